internal import Torch

/// A floating-point type whose order is that of an unsigned integer made from its bits.
protocol RankedElement: TensorElement {
  associatedtype Key: FixedWidthInteger & UnsignedInteger
  /// Orders like the number; both zeros have one key.
  var key: Key { get }
  var isNaN: Bool { get }
}

extension Float: RankedElement {
  @inline(__always)
  var key: UInt32 {
    let bits = bitPattern
    // By bits, not by adding 0: flushed denormals would become ties.
    if bits << 1 == 0 { return 1 << 31 }
    return bits >> 31 == 0 ? bits | 1 << 31 : ~bits
  }
}

extension Double: RankedElement {
  @inline(__always)
  var key: UInt64 {
    let bits = bitPattern
    if bits << 1 == 0 { return 1 << 63 }
    return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
  }
}

/// One layer's scores and which of its things are still there; the tensors that own them outlive it.
struct RankedSection<Element: RankedElement> {
  let scores: UnsafeBufferPointer<Element>
  let kept: UnsafeBufferPointer<Bool>?

  @inline(__always)
  func forEachKept(_ body: (Element.Key) -> Void) {
    if let kept {
      for i in scores.indices where kept[i] { body(scores[i].key) }
    } else {
      for score in scores { body(score.key) }
    }
  }

  /// Whether any score of a thing that is still there is not a number.
  var hasNaN: Bool {
    var found = false
    if let kept {
      for i in scores.indices { found = found || (kept[i] && scores[i].isNaN) }
    } else {
      for score in scores { found = found || score.isNaN }
    }
    return found
  }

  /// The number of things still there whose key is below the cut, and at it.
  func count(at cut: Element.Key) -> (below: Int, equal: Int) {
    var (below, equal) = (0, 0)
    forEachKept { key in
      below += key < cut ? 1 : 0
      equal += key == cut ? 1 : 0
    }
    return (below, equal)
  }

  /// Writes what stays if everything below the cut goes, and of what equals it the first `ties`.
  func mark(below cut: Element.Key, ties: Int, into result: UnsafeMutableBufferPointer<Bool>) {
    var ties = ties
    for i in scores.indices {
      let key = scores[i].key
      var stays = kept?[i] ?? true
      if stays, key <= cut {
        if key < cut {
          stays = false
        } else if ties > 0 {
          stays = false
          ties -= 1
        }
      }
      result[i] = stays
    }
  }
}

/// The key of the k-th smallest of all things still there (k from 1), by radix from the highest bits down: three passes
/// for float32, nothing sorted, nothing copied.
func smallestKey<Element: RankedElement>(_ k: Int, in sections: [RankedSection<Element>]) -> Element.Key {
  let digit = 11
  var remaining = k
  var prefix: Element.Key = 0
  var resolved = 0
  while resolved < Element.Key.bitWidth {
    let width = min(digit, Element.Key.bitWidth - resolved)
    let shift = Element.Key.bitWidth - resolved - width
    var histogram = [Int](repeating: 0, count: 1 << width)
    let lowMask = Element.Key((1 << width) - 1)
    histogram.withUnsafeMutableBufferPointer { histogram in
      for section in sections {
        if resolved == 0 {
          section.forEachKept { histogram[Int(truncatingIfNeeded: $0 >> Element.Key(shift))] += 1 }
        } else {
          let known = prefix >> Element.Key(shift + width)
          section.forEachKept { key in
            if key >> Element.Key(shift + width) == known {
              histogram[Int(truncatingIfNeeded: (key >> Element.Key(shift)) & lowMask)] += 1
            }
          }
        }
      }
    }
    var bucket = 0
    while bucket < histogram.count - 1, remaining > histogram[bucket] {
      remaining -= histogram[bucket]
      bucket += 1
    }
    prefix |= Element.Key(truncatingIfNeeded: bucket) << Element.Key(shift)
    resolved += width
  }
  return prefix
}
