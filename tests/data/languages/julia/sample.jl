"""
Shapes and their areas.
"""
module Shapes

using LinearAlgebra
export area, Circle

const TOLERANCE = 1e-9
counter = 0

"A shape in the plane."
abstract type Shape{T<:Real} end

"""
    Circle(r)

A circle with radius `r`.
"""
struct Circle{T} <: Shape{T}
    r::T
    center::Tuple{T,T}

    Circle{T}(r) where {T} = new{T}(r, (0, 0))
    function Circle(r::T) where {T<:Real}
        r >= 0 || throw(DomainError(r))
        new{T}(r)
    end
end

Base.@kwdef mutable struct Square
    side::Float64 = 1.0
end

primitive type Word 32 end

"""
Return the area.
"""
function area(c::Circle{T})::T where {T<:Real}
    square(x) = x^2
    function helper(n)
        n + 1
    end
    return π * square(c.r)
end

# By the side.
area(s::Square) = s.side^2

größe(s; scale=1) = scale * area(s)

Base.:+(a::Circle, b::Circle) = Circle(a.r + b.r)

function Base.show(io::IO, c::Circle)
    print(io, "Circle")
end

"Repeats an expression."
macro repeat(n, ex)
    :(for _ in 1:$n; $ex; end)
end

@inline fast(x) = x

module Inner
f(x) = x
end

@testset "areas" begin
    @test area(Circle(1)) ≈ π
end

end
