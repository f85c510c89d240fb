internal import Torch

/// A floating-point type whose order is that of an unsigned integer derived from its bits.
protocol RankedElement: TensorElement {
  associatedtype Key: FixedWidthInteger & UnsignedInteger
  /// Unsigned integer with the order of the numbers; both zeros have the same key.
  var key: Key { get }
  /// Returns the number with the given key, in double precision.
  static func number(_ key: Key) -> Double
  var isNaN: Bool { get }
  /// The number in double precision.
  var double: Double { get }
}

extension Float: RankedElement {
  @inline(__always)
  var key: UInt32 {
    // By bits, not by adding 0: if denormals were flushed, they would become ties. Without branches, for the sake of vectors.
    let bits = bitPattern << 1 == 0 ? 0 : bitPattern
    return bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 1 << 31)
  }

  static func number(_ key: UInt32) -> Double { Double(Float(bitPattern: key >> 31 == 1 ? key ^ 1 << 31 : ~key)) }

  @inline(__always)
  var double: Double { Double(self) }
}

extension Double: RankedElement {
  @inline(__always)
  var key: UInt64 {
    let bits = bitPattern << 1 == 0 ? 0 : bitPattern
    return bits ^ (UInt64(bitPattern: Int64(bitPattern: bits) >> 63) | 1 << 63)
  }

  static func number(_ key: UInt64) -> Double { Double(bitPattern: key >> 63 == 1 ? key ^ 1 << 63 : ~key) }

  @inline(__always)
  var double: Double { self }
}

/// One layer's scores and mask; the tensors that own the buffers must outlive it.
///
/// The loops do not branch on the mask: at low density such a branch would be mispredicted all the time.
struct RankedSection<Element: RankedElement> {
  let scores: UnsafeBufferPointer<Element>
  /// 1 where a thing is kept, else 0; nil if everything is kept.
  let kept: UnsafeBufferPointer<UInt8>?

  private static var block: Int { 1 << 20 }

  /// Number of kept things.
  var count: Int {
    guard let kept else { return scores.count }
    var total = 0
    for flag in kept { total += Int(flag) }
    return total
  }

  /// Whether any score of a kept thing is NaN.
  var hasNaN: Bool {
    var found: UInt8 = 0
    if let kept {
      for i in scores.indices { found |= kept[i] & (scores[i].isNaN ? 1 : 0) }
    } else {
      for score in scores { found |= score.isNaN ? 1 : 0 }
    }
    return found != 0
  }

  /// Returns the numbers of kept things whose key is below the cut, and equal to it.
  func count(at cut: Element.Key) -> (below: Int, equal: Int) {
    var (below, equal) = (0, 0)
    // Sums as wide as the keys, in blocks that they can count, so that the compiler makes vectors of both.
    for start in stride(from: 0, to: scores.count, by: Self.block) {
      let range = start..<min(start + Self.block, scores.count)
      var (less, same): (Element.Key, Element.Key) = (0, 0)
      if let kept {
        for i in range {
          let (key, one) = (scores[i].key, Element.Key(truncatingIfNeeded: kept[i]))
          less &+= key < cut ? one : 0
          same &+= key == cut ? one : 0
        }
      } else {
        for i in range {
          let key = scores[i].key
          less &+= key < cut ? 1 : 0
          same &+= key == cut ? 1 : 0
        }
      }
      below += Int(less)
      equal += Int(same)
    }
    return (below, equal)
  }

  /// Returns the number of kept things that score below a threshold.
  func count(below threshold: Double) -> Int {
    var below = 0
    for i in scores.indices { below += scores[i].double < threshold ? Int(kept?[i] ?? 1) : 0 }
    return below
  }

  /// Adds the kept things to histograms of the first digits of their keys, which lie one after another, each of `size` digits.
  ///
  /// Things take turns at the histograms, as most have the same few digits, and a count must be stored before it can be loaded again.
  func addFirstDigits(shift: Int, to histograms: UnsafeMutableBufferPointer<Int>, size: Int) {
    let turns = histograms.count / size
    var turn = 0
    for i in scores.indices {
      histograms[turn &* size &+ Int(truncatingIfNeeded: scores[i].key >> Element.Key(shift))] &+= Int(kept?[i] ?? 1)
      turn = turn &+ 1 == turns ? 0 : turn &+ 1
    }
  }

  /// Writes the keys of kept things that begin with the prefix one after another from `start`, and returns the end.
  func collect(_ prefix: Element.Key, shift: Int, into keys: UnsafeMutableBufferPointer<Element.Key>, at start: Int) -> Int {
    var end = start
    for i in scores.indices {
      let key = scores[i].key
      // Always written, but counted only if it matches; the last place may be written in vain.
      keys[end] = key
      end += key >> Element.Key(shift) == prefix ? Int(kept?[i] ?? 1) : 0
    }
    return end
  }

  /// Writes the mask of what stays if everything below the cut is removed, and the first `ties` of those equal to it.
  func mark(below cut: Element.Key, ties: Int, into result: UnsafeMutableBufferPointer<Bool>) {
    if let kept {
      for i in scores.indices { result[i] = kept[i] & (scores[i].key >= cut ? 1 : 0) != 0 }
    } else {
      for i in scores.indices { result[i] = scores[i].key >= cut }
    }
    var (left, i) = (ties, 0)
    while left > 0, i < scores.count {
      if result[i], scores[i].key == cut {
        result[i] = false
        left -= 1
      }
      i += 1
    }
  }
}

/// Returns the key of the k-th smallest kept thing (1 ≤ k ≤ number of kept things), by a radix search from the highest bits down.
///
/// One pass counts first digits, a second one collects the keys that share the right one; the rest of the search runs on those.
func smallestKey<Element: RankedElement>(_ k: Int, in sections: [RankedSection<Element>]) -> Element.Key {
  let digit = 11
  var shift = Element.Key.bitWidth - digit
  let (size, turns) = (1 << digit, 4)
  var histograms = [Int](repeating: 0, count: turns * size)
  for section in sections {
    histograms.withUnsafeMutableBufferPointer { section.addFirstDigits(shift: shift, to: $0, size: size) }
  }
  let histogram = (0..<size).map { digit in (0..<turns).reduce(0) { $0 + histograms[$1 * size + digit] } }
  var remaining = k
  var prefix = Element.Key(truncatingIfNeeded: bucket(&remaining, in: histogram))
  let matching = histogram[Int(truncatingIfNeeded: prefix)]
  // One place more than there are matches: see `collect`.
  let keys = [Element.Key](unsafeUninitializedCapacity: matching + 1) { buffer, count in
    count = 0
    for section in sections { count = section.collect(prefix, shift: shift, into: buffer, at: count) }
  }
  while shift > 0 {
    let width = min(digit, shift)
    let above = prefix
    let next = shift - width
    let lowMask = Element.Key((1 << width) - 1)
    var counts = [Int](repeating: 0, count: 1 << width)
    counts.withUnsafeMutableBufferPointer { counts in
      for key in keys where key >> Element.Key(shift) == above {
        counts[Int(truncatingIfNeeded: (key >> Element.Key(next)) & lowMask)] += 1
      }
    }
    prefix = above << Element.Key(width) | Element.Key(truncatingIfNeeded: bucket(&remaining, in: counts))
    shift = next
  }
  return prefix
}

/// Returns the digit of the `remaining`-th key, and subtracts the number of keys below that digit from `remaining`.
private func bucket(_ remaining: inout Int, in histogram: [Int]) -> Int {
  var bucket = 0
  while bucket < histogram.count - 1, remaining > histogram[bucket] {
    remaining -= histogram[bucket]
    bucket += 1
  }
  return bucket
}
