(** Priority queues. *)

open Printf

exception Empty of string

(** How things compare. *)
type 'a order = 'a -> 'a -> int

type 'a queue = {
  mutable size : int;
  items : 'a array;  (** in heap order *)
}
and color = Red | Green of int | Rgb of { r : int; g : int }

module type ORDERED = sig
  type t

  (** Compares two. *)
  val compare : t -> t -> int
end

(** A heap over ordered elements. *)
module Make (Ord : ORDERED) : sig
  type t
end = struct
  type t = Ord.t list

  let empty = []

  (** Pushes one. *)
  let rec push x queue =
    let rec sift i = i + 1 in
    x :: queue

  module Inner = struct
    let depth = 1
  end
end

let default_size = 16

let ( <+> ) a b = a @ b

(* Sums a list. *)
let rec sum ?(init = 0) ~f = function
  | [] -> init
  | x :: rest -> f x + sum ~init ~f rest

and product xs = List.fold_left ( * ) 1 xs

let größe queue = queue.size

external length : string -> int = "caml_string_length"

class virtual ['a] stack (init : 'a list) =
  object (self)
    val mutable items : 'a list = init
    method push x = items <- x :: items
    method virtual peek : 'a
  end

let () = printf "%d\n" (sum ~f:Fun.id [ 1; 2 ])

let%test "sum of nothing" = sum ~f:Fun.id [] = 0
