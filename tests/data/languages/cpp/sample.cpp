#pragma once
#include <vector>

#define ARENA_ALIGN(n) (((n) + 7) & ~7)

namespace arena::detail {

/// A block of memory.
///
/// Freed all at once.
template <typename T, std::size_t N = 64>
class Block final : public Base<T>, private NonCopyable {
 public:
  using value_type = T;
  static constexpr std::size_t kSize = N;

  Block() = default;
  explicit Block(std::size_t size) : size_(size), data_(new T[size]) {}
  virtual ~Block();
  Block(const Block&) = delete;

  Block& operator=(Block&& other) noexcept { return *this; }
  bool operator==(const Block& other) const;
  T& operator[](std::size_t i) { return data_[i]; }
  explicit operator bool() const { return size_ > 0; }

  // Grows in place.
  template <class U>
  U* grow(U* first, std::size_t count) {
    struct Local { int depth; };
    return first + count;
  }

  virtual void reset() = 0;
  const T* begin() const noexcept { return data_; }

  enum class State : char { kFree, kUsed };

  struct Header {
    std::size_t size;
    Header* next = nullptr;
  };

 private:
  std::size_t size_ = 0, used_;
  T* data_;
  std::vector<int>& users_;
};

template <>
class Block<bool, 1> {};

inline int live_blocks = 0;
void release(void* pointer);

}  // namespace arena::detail

namespace {
int größe(int x) { return x; }
}  // namespace

template <typename T, std::size_t N>
arena::detail::Block<T, N>::~Block() {
  delete[] data_;
}

void Pool::Impl::collect(int generation) const {
  auto sweep = [generation](auto& block) { block.reset(); };
}

/* Prints a pool. */
std::ostream& operator<<(std::ostream& out, const Pool& pool) {
  return out;
}

template <typename T>
concept Resettable = requires(T t) { t.reset(); };

template <Resettable T>
auto apply(T&& value) -> decltype(value.reset()) {
  return value.reset();
}

using Handle = std::shared_ptr<Pool>;
typedef std::map<int, Handle> Handles;

extern "C" {
int pool_open(const char* name);
}

TEST(BlockTest, GrowsInPlace) {
  EXPECT_EQ(1, 1);
}

TEST_F(PoolTest, Collects) {}
