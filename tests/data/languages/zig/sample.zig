//! A ring buffer.
const std = @import("std");
const Allocator = std.mem.Allocator;

/// How many items fit by default.
pub const default_capacity: usize = 64;
var instances: u32 = 0;

pub const Error = error{ Full, Empty };

/// Keeps the latest items.
pub fn Ring(comptime T: type) type {
    return struct {
        const Self = @This();

        items: []T,
        head: usize = 0,

        /// Makes a ring.
        pub fn init(allocator: Allocator, capacity: usize) !Self {
            return Self{ .items = try allocator.alloc(T, capacity) };
        }

        pub fn push(self: *Self, item: T) Error!void {
            self.items[self.head] = item;
        }
    };
}

const Point = packed struct {
    x: f32,
    y: f32 = 0,

    fn @"größe"(self: Point) f32 {
        return self.x * self.y;
    }
};

pub const Kind = enum(u8) {
    small,
    large = 7,

    pub fn isSmall(kind: Kind) bool {
        return kind == .small;
    }
};

const Value = union(enum) {
    int: i64,
    none,
};

const Handle = opaque {};

extern "c" fn write(fd: c_int, buf: [*]const u8, len: usize) isize;

// Adds up to a limit.
export fn add(a: i32, b: i32) callconv(.C) i32 {
    return a + b;
}

test "ring keeps the latest" {
    try std.testing.expect(true);
}

test add {
    try std.testing.expectEqual(3, add(1, 2));
}
