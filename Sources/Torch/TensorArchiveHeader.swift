internal import Words

/// The content of a safetensors header, checked against the number of data bytes that really follow it.
struct TensorArchiveHeader {
  /// Type, shape and byte range of one tensor.
  struct Entry {
    var name: String
    var type: StoredType
    var shape: [Int]
    var range: Range<Int>
  }

  /// The tensors in the order of their data, which they fill without gap or overlap.
  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  /// Parses and checks a header; allocates nothing larger than the text itself.
  init(_ text: UnsafeBufferPointer<UInt8>, dataCount: Int) throws(ArchiveProblem) {
    var scanner = TensorArchiveScanner(text)
    var names: Set<String> = []
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    try scanner.object { scanner, name throws(ArchiveProblem) in
      guard names.insert(name).inserted else { throw ArchiveProblem("two entries are named \(name.quoted)") }
      if name == "__metadata__" {
        if scanner.takeNull() { return }
        try scanner.object { scanner, key throws(ArchiveProblem) in
          let value = try scanner.string()
          guard metadata.count < TensorArchive.maximumCount else {
            throw ArchiveProblem("its metadata hold more than \(TensorArchive.maximumCount) texts")
          }
          guard metadata.updateValue(value, forKey: key) == nil else { throw ArchiveProblem("the metadata hold \(key.quoted) twice") }
        }
        return
      }
      guard entries.count < TensorArchive.maximumCount else {
        throw ArchiveProblem("it has more than \(TensorArchive.maximumCount) entries")
      }
      let entry = try Self.entry(name, &scanner)
      guard entry.range.upperBound <= dataCount else {
        throw ArchiveProblem(
          "entry \(name.quoted) lies at bytes \(entry.range.lowerBound) to \(entry.range.upperBound) of \(dataCount) bytes of data")
      }
      entries.append(entry)
    }
    if scanner.peek() != nil { throw scanner.problem("more text after the end") }
    self.entries = try Self.ordered(entries, dataCount: dataCount)
    self.metadata = metadata
  }

  private static func entry(_ name: String, _ scanner: inout TensorArchiveScanner) throws(ArchiveProblem) -> Entry {
    var type: StoredType?
    var shape: [Int]?
    var offsets: [Int]?
    func problem(_ text: String) -> ArchiveProblem { ArchiveProblem("entry \(name.quoted): \(text)") }
    try scanner.object { scanner, key throws(ArchiveProblem) in
      switch key {
      case "dtype" where type == nil:
        let word = try scanner.string()
        type = StoredType(rawValue: word)
        if type == nil {
          let known = StoredType.allCases.map(\.rawValue).joined(separator: ", ")
          throw problem("unknown element type \(word.quoted); known: \(known)")
        }
      case "shape" where shape == nil:
        shape = try numbers(&scanner, atMost: TensorArchive.maximumRank)
        if shape == nil { throw problem("more than \(TensorArchive.maximumRank) dimensions") }
      case "data_offsets" where offsets == nil:
        offsets = try numbers(&scanner, atMost: 2)
        if offsets?.count != 2 { throw problem("data_offsets must be two numbers") }
      case "dtype", "shape", "data_offsets": throw problem("\(key) occurs twice")
      // Other programs' additional fields do not concern us.
      default: try scanner.skipValue()
      }
    }
    guard let type else { throw problem("dtype is missing") }
    guard let shape else { throw problem("shape is missing") }
    guard let offsets else { throw problem("data_offsets is missing") }
    guard offsets[0] <= offsets[1] else { throw problem("data_offsets \(offsets) run backwards") }
    guard let bits = bitCount(shape, type) else { throw problem("the shape \(shape) is larger than any machine can hold") }
    guard bits.isMultiple(of: 8) else { throw problem("\(type.rawValue) of shape \(shape) does not end with a whole byte") }
    let needed = bits / 8
    guard needed == offsets[1] - offsets[0] else {
      throw problem("\(type.rawValue) of shape \(shape) needs \(needed) bytes, but its data_offsets span \(offsets[1] - offsets[0])")
    }
    return Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  /// Parses a list of numbers; nil if it has more than `limit`.
  private static func numbers(_ scanner: inout TensorArchiveScanner, atMost limit: Int) throws(ArchiveProblem) -> [Int]? {
    var numbers: [Int] = []
    var tooMany = false
    try scanner.sequence("[", "]") { scanner throws(ArchiveProblem) in
      let number = try scanner.wholeNumber()
      if numbers.count < limit { numbers.append(number) } else { tooMany = true }
    }
    return tooMany ? nil : numbers
  }

  /// Bits of all elements; nil where the product exceeds 64 bits, even if another size is 0, since strides are computed from the sizes.
  static func bitCount(_ shape: [Int], _ type: StoredType) -> Int? {
    var product = type.bits
    for size in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
      if overflow { return nil }
      product = next
    }
    return shape.contains(0) ? 0 : product
  }

  private static func ordered(_ entries: [Entry], dataCount: Int) throws(ArchiveProblem) -> [Entry] {
    let sorted = entries.sorted { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    var end = 0
    for entry in sorted {
      if entry.range.lowerBound < end { throw ArchiveProblem("entry \(entry.name.quoted) overlaps the entry before it") }
      if entry.range.lowerBound > end {
        throw ArchiveProblem("\(entry.range.lowerBound - end) bytes before entry \(entry.name.quoted) belong to no entry")
      }
      end = entry.range.upperBound
    }
    guard end == dataCount else { throw ArchiveProblem("the last \(dataCount - end) bytes belong to no entry") }
    return sorted
  }
}
