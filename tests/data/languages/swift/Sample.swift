import Foundation

/// How often a request is retried.
public let maxRetries = 3
var cache: [String: Data] = [:]
typealias Completion<T> = (Result<T, Error>) -> Void

/// Something that loads values.
@objc public protocol Loader: AnyObject {
    associatedtype Value: Codable
    var isLoading: Bool { get set }
    func load(_ id: String, completion: @escaping Completion<Value>) throws
    init(name: String)
}

/**
 A cache of images.

 - Note: not safe for threads.
 */
@MainActor
public final class ImageCache<Key: Hashable, Value>: NSObject, Loader where Value: Codable {
    static let shared = ImageCache()
    private(set) var größe: Int = 0 {
        didSet { log(größe) }
    }

    // Bytes in all.
    var total: Int {
        return größe * 2
    }

    public init?(name: String) {
        super.init()
    }

    deinit {
        clear()
    }

    /// Looks a key up.
    @discardableResult
    public func value<T>(for key: Key, default fallback: T? = nil) async throws -> T where T: Decodable {
        func decode(_ data: Data) -> T? {
            return nil
        }
        return try await fetch(key)
    }

    subscript(key: Key) -> Value? {
        get { nil }
        set { größe += 1 }
    }

    static func == (lhs: ImageCache, rhs: ImageCache) -> Bool {
        return lhs === rhs
    }

    struct Entry {
        let key: Key
        var age = 0.0
    }
}

indirect enum Expression: String {
    case number(Int)
    case sum(Expression, Expression), unknown = "?"

    func evaluate() -> Int { 0 }
}

extension ImageCache: CustomStringConvertible {
    public var description: String { "cache" }

    func clear() {}
}

actor Counter {
    func increment() {}
}

prefix operator +++

func += (left: inout Counter, right: Int) {}

final class ImageCacheTests: XCTestCase {
    func testLookup() throws {
        XCTAssertNil(nil)
    }
}
