(** Priority queues. *)

exception Empty of string

(** A queue. *)
type 'a t

type color = Red | Green

(** Makes a queue. *)
val create : ?size:int -> ('a -> 'a -> int) -> 'a t

val ( <+> ) : 'a t -> 'a t -> 'a t

module type ORDERED = sig
  type t
  val compare : t -> t -> int
end

module Make (Ord : ORDERED) : sig
  val push : Ord.t -> Ord.t t -> unit
end

external length : string -> int = "caml_string_length"

class stack : object
  method push : int -> unit
end
