library shop;

import 'dart:async';

/// The greatest number of items.
const int maxItems = 50;
final _cache = <String, Item>{};
late String name;

typedef Compare<T> = int Function(T a, T b);

/// An item with a price.
///
/// Immutable.
@immutable
abstract class Item<T extends num> extends Base with Priced implements Comparable<Item<T>> {
  static const zero = 0;
  final T price;
  String? _label, size;

  /// Makes an item.
  const Item(this.price, {required String label});
  Item.free() : this(0 as T);
  factory Item.fromJson(Map<String, dynamic> json) {
    return _Item(json['price']);
  }

  // In words.
  String get label => _label ?? '';
  set label(String value) => _label = value;

  @override
  int compareTo(Item<T> other) {
    int sign(num n) => n < 0 ? -1 : 1;
    return sign(price - other.price);
  }

  Item<T> operator +(Item<T> other);

  static Future<void> load<K>(K key, [int retries = 3]) async {
    await Future.value(key);
  }
}

mixin Priced on Base {
  double tax() => 0.2;
}

enum Size implements Comparable<Size> {
  small(1),
  /// The default.
  large(2);

  const Size(this.width);
  final int width;
}

extension Strings on String {
  bool get isBlank => trim().isEmpty;
}

int add(int a, int b) => a + b;

void main() {
  group('Item', () {
    test('compares by price', () {
      expect(add(1, 1), 2);
    });
  });
}
