package com.example.store;

import java.util.*;
import java.util.function.Function;

/**
 * An immutable ledger of entries.
 *
 * @param <K> the key
 */
@Entity(name = "ledger")
@SuppressWarnings("unchecked")
public abstract class Sample<K extends Comparable<K>> extends Base<K> implements Iterable<Sample.Entry<K>> {
    public static final int MAX_ENTRIES = 1_000, MIN_ENTRIES = 1;
    private static final Map<String, Integer> cache = new HashMap<>();
    protected volatile long größe;

    static {
        cache.put("zero", 0);
    }

    /** Makes an empty ledger. */
    protected Sample(String name, K... keys) {
        this(name);
    }

    /* Sums what a function gives. */
    @Override
    public <R extends Number> R sum(Function<? super K, R> function, int[] weights) throws IllegalStateException {
        return new Object() {
            R total() {
                return null;
            }
        }.total();
    }

    public int sum() { return 0; }

    public abstract void close();

    // States in order.
    public enum State implements Supplier<String> {
        OPEN("o") {
            @Override
            public String get() {
                return "open";
            }
        },
        /** No more entries. */
        CLOSED("c");

        private final String code;

        State(String code) {
            this.code = code;
        }
    }

    public interface Visitor<T> {
        int DEPTH = 3;

        T visit(Entry<?> entry);

        default boolean enter() {
            return true;
        }
    }

    public record Entry<K>(K key, long amount) {
        public Entry {
            if (amount < 0) throw new IllegalArgumentException();
        }

        static Entry<String> of(String key) {
            return new Entry<>(key, 0);
        }
    }

    @interface Audited {
        String value() default "";
    }

    static class SampleTest {
        @Test
        void sumsNothing() {
            assert true;
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 2})
        void sumsSome(int n) {}
    }
}
