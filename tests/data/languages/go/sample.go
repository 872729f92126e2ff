// Package queue holds bounded queues.
package queue

import (
	"context"
	"errors"
)

// DefaultSize is the capacity of a queue made with New.
const DefaultSize = 64

// States of a queue.
const (
	// Open accepts items.
	Open State = iota
	Closed
)

var ErrClosed = errors.New("queue: closed")

var (
	started, stopped int
	// hooks run after Close.
	hooks []func()
)

// State says whether a queue takes items.
type State uint8

// Queue is a bounded FIFO queue.
//
// The zero value is closed.
type Queue[T any] struct {
	items    chan T
	name, id string `json:"name"`
	context.Context
}

type (
	// Source yields items.
	Source[T any] interface {
		// Next returns the next item.
		Next(ctx context.Context) (T, error)
		~[]T | ~chan T
	}
	Filter func(string) bool
	Alias  = Queue[string]
)

// New makes a queue.
func New[T any](size int) *Queue[T] {
	return &Queue[T]{items: make(chan T, size)}
}

/*
Push adds an item.
It blocks while the queue is full.
*/
func (q *Queue[T]) Push(ctx context.Context, item T) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = ErrClosed
		}
	}()
	select {
	case q.items <- item:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (State) String() string { return "state" }

//go:noinline
func größe(s Source[int]) (n int, ok bool) { return 0, false }

func asm(x int) int

func TestPush(t *testing.T) {
	t.Run("full", func(t *testing.T) {})
}

func BenchmarkPush(b *testing.B) {}

func Testing() {}
