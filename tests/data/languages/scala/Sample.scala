package com.example.graph

import scala.collection.mutable

/** A directed graph.
  *
  * @tparam N the nodes
  */
@deprecated("use Net", "2.0")
sealed abstract class Graph[+N <: Node](val name: String)(implicit order: Ordering[N]) extends Base with Serializable {
  type Edge = (N, N)
  private val edges: mutable.Set[Edge] = mutable.Set.empty
  var größe: Int = 0
  lazy val (first, last) = ends

  def this() = this("unnamed")

  /** Joins two graphs. */
  def ++[B >: N](other: Graph[B]): Graph[B] = {
    def merge(n: Int): Int = n + 1
    other
  }

  def neighbours(node: N): Seq[N]

  override def toString: String = s"Graph($name)"
}

object Graph {
  val Empty: Graph[Nothing] = ???

  def apply[N](nodes: N*)(using ctx: Context): Graph[N] = new Graph[N]("g") {
    override def neighbours(node: N) = Nil
  }
}

// A node of a graph.
trait Node { self: Labelled =>
  def id: Int
  def label = s"n$id"
}

case class Labelled(id: Int, text: String = "") extends Node
case object Root extends Node { val id = 0 }

enum Color(val rgb: Int) {
  case Red extends Color(0xff0000)
  case Green, Blue
}

given intOrdering: Ordering[Int] = Ordering.Int

extension (s: String) def shout: String = s.toUpperCase

package object syntax {
  implicit class Ops(private val n: Int) extends AnyVal {
    def times(f: => Unit): Unit = (1 to n).foreach(_ => f)
  }
}

class GraphSpec extends AnyFunSuite {
  test("joins two graphs") {
    assert(true)
  }
}
