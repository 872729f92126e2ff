package com.example.net

import kotlinx.coroutines.flow.Flow

/** How long a request may take. */
const val TIMEOUT_MS = 5_000L
val logger by lazy { Logger("net") }
var String.firstWord: String
    get() = split(" ").first()
    set(value) { println(value) }

typealias Handler<T> = suspend (T) -> Unit

/**
 * A client.
 *
 * @property host where to
 */
@Singleton
class Client<T : Any>(private val host: String, var port: Int = 80) : Base(host), Closeable {
    private val pool: Pool = Pool()

    constructor(url: Url) : this(url.host)

    init {
        pool.start()
    }

    /** Sends a request. */
    @Throws(IOException::class)
    suspend inline fun <reified R> send(request: T, crossinline onDone: (R) -> Unit = {}): Result<R> {
        fun retry(n: Int): Int {
            return n + 1
        }
        return runCatching { pool.use { it.send(request, retry(1)) } }
    }

    operator fun plus(other: Client<T>) = Client<T>(host + other.host)

    override fun close() = pool.close()

    inner class Session {
        val größe get() = 1
    }

    companion object {
        const val VERSION = 2

        fun local() = Client<Any>("localhost")
    }
}

data class Header(val name: String, val value: String)

sealed interface Event {
    data object Opened : Event
    class Failed(val cause: Throwable) : Event
}

// Methods in order of use.
enum class Method(val safe: Boolean) {
    GET(true),
    POST(false) {
        override fun describe() = "post"
    };

    open fun describe() = name.lowercase()
}

object Registry : Map<String, Int> {
    fun register(name: String) {}
}

fun interface Transformer<in A, out B> {
    fun transform(a: A): B
}

fun <T> List<T>.second(): T = this[1]

class ClientTest {
    @Test
    fun `sends over a pool`() {
        assertEquals(1, 1)
    }
}
