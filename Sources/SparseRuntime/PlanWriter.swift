internal import CZlib

/// Makes the bytes of a plan: a header, the numbers of all steps, and the description of maps and steps.
///
/// All is little-endian. The header has 64 bytes: `ESPPLAN\n`, the version, the form of the weights (0 here; ``PlanPacker`` has others), the
/// file's length, where the description begins, a CRC-32 of all that is not the checksum itself, and where the table of packed sections
/// begins (0 here). Numbers begin at multiples of 64 bytes, so that kernels read them where they lie.
public struct PlanWriter {
  static let magic: [UInt8] = Array("ESPPLAN\n".utf8)
  /// The version of the files that are written and read.
  public static let version: UInt32 = 3
  static let headerSize = 64
  /// Where the form of the weights stands in the header, and where the table of packed sections begins.
  static let form = 12, table = 40
  /// Where the checksum stands in the header.
  static let checksum = 32..<36

  private var bytes = [UInt8](repeating: 0, count: headerSize)

  /// Creates a writer without numbers.
  public init() {}

  /// Adds numbers and returns where they lie.
  public mutating func add<Element: BitwiseCopyable>(_ numbers: [Element]) -> PlanNumbers<Element> {
    bytes.append(contentsOf: repeatElement(0, count: (64 - bytes.count % 64) % 64))
    let offset = bytes.count
    numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return PlanNumbers(offset: offset, count: numbers.count)
  }

  /// Returns the file of a plan whose numbers this writer has got; the plan's own storage is not looked at.
  public func file(
    name: String, maps: [PlanMap], steps: [PlanStep], outputs: [Int], groups: Int, loneExamples: Int,
    preparation: PlanPreparation = PlanPreparation(), classes: [String] = []
  ) -> [UInt8] {
    var file = self
    file.bytes.append(contentsOf: repeatElement(0, count: (8 - bytes.count % 8) % 8))
    let description = file.bytes.count
    file.put(name)
    file.put(groups)
    file.put(loneExamples)
    file.put(preparation.shape.count)
    for size in preparation.shape { file.put(size) }
    file.put(preparation.mean)
    file.put(preparation.deviation)
    file.put(preparation.resize ?? 0)
    file.put(preparation.isReversed ? 1 : 0)
    file.put(classes.count)
    for name in classes { file.put(name) }
    file.put(maps.count)
    for map in maps { for value in [map.channels, map.height, map.width, map.above, map.beside, map.row, map.plane] { file.put(value) } }
    file.put(steps.count)
    for step in steps { file.put(step) }
    file.put(outputs.count)
    for output in outputs { file.put(output) }
    file.set(Self.magic, at: 0)
    file.set(Self.version, at: 8)
    file.set(UInt64(file.bytes.count), at: 16)
    file.set(UInt64(description), at: 24)
    file.set(Self.checksum(of: file.bytes), at: Self.checksum.lowerBound)
    return file.bytes
  }

  /// Returns the CRC-32 of all bytes but those of the checksum itself.
  static func checksum(of bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum(of: $0) } }

  static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var sum = crc32_z(0, nil, 0)
    for part in [0..<checksum.lowerBound, checksum.upperBound..<bytes.count] {
      sum = crc32_z(sum, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self).advanced(by: part.lowerBound), part.count)
    }
    return UInt32(truncatingIfNeeded: sum)
  }

  private mutating func set<Value: BitwiseCopyable>(_ value: Value, at place: Int) {
    withUnsafeBytes(of: value) { set(Array($0), at: place) }
  }
  private mutating func set(_ value: [UInt8], at place: Int) { bytes.replaceSubrange(place..<place + value.count, with: value) }

  // MARK: The description

  private mutating func put(_ value: Int) { withUnsafeBytes(of: Int64(value).littleEndian) { bytes.append(contentsOf: $0) } }
  private mutating func put(_ value: Float) { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
  private mutating func put(_ values: [Float]) {
    put(values.count)
    for value in values { put(value) }
  }
  private mutating func put(_ text: String) {
    put(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }
  private mutating func put<Element>(_ numbers: PlanNumbers<Element>) {
    put(numbers.offset)
    put(numbers.count)
  }
  private mutating func put<Element>(_ numbers: PlanNumbers<Element>?) { put(numbers ?? PlanNumbers(offset: -1, count: 0)) }
  private mutating func put(_ windows: [PlanPool.Window]) {
    put(windows.count)
    for window in windows {
      put(window.from)
      put(window.to)
      put(window.share)
    }
  }
  private mutating func put(_ low: Float, _ high: Float) {
    put(low)
    put(high)
  }

  private mutating func put(_ step: PlanStep) {
    put(step.tag.rawValue)
    put(step.name)
    switch step {
    case .layer(let layer):
      for value in [layer.x, layer.y, layer.z ?? -1, layer.first] { put(value) }
      put(layer.bias)
      put(layer.low, layer.high)
      put(layer.total)
      switch layer.weights {
      case .sparse(let filters):
        put(filters.bases)
        put(filters.starts)
        put(filters.offsets)
        put(filters.values)
        put(filters.vectors)
        put(filters.stride)
      case .dense(let matrix):
        for value in [matrix.groups, matrix.inputs, matrix.block] { put(value) }
        put(matrix.taps)
        put(matrix.values)
      case .blocks(let blocks):
        put(blocks.rows)
        put(blocks.deltas)
        put(blocks.bases)
        put(blocks.starts)
        put(blocks.offsets)
        put(blocks.values)
      }
    case .pool(let pool):
      for value in [pool.x, pool.y, pool.isMean ? 1 : 0] { put(value) }
      put(pool.rows)
      put(pool.columns)
      put(pool.low, pool.high)
    case .function(let function):
      for value in [function.x, function.y, Int(function.kind.rawValue)] { put(value) }
      put(function.alpha)
      put(function.scale)
      put(function.shift)
      put(function.slope)
      put(function.low, function.high)
    case .pair(let pair):
      for value in [pair.a, pair.b, pair.y, Int(pair.kind.rawValue)] { put(value) }
      put(pair.low, pair.high)
    case .norm(let norm):
      for value in [norm.x, norm.y, Int(norm.kind.rawValue), norm.size, norm.absent] { put(value) }
      for value in [norm.epsilon, norm.alpha, norm.beta, norm.k] { put(value) }
      put(norm.scale)
      put(norm.shift)
    case .resample(let resample):
      for value in [resample.x, resample.y, resample.taps] { put(value) }
      put(resample.places)
      put(resample.shares)
      put(resample.token)
    case .offset(let offset):
      put(offset.x)
      put(offset.y)
      put(offset.numbers)
    case .attention(let attention):
      for operand in [attention.queries, attention.keys, attention.values] {
        put(operand.map)
        put(operand.channel)
      }
      for value in [attention.y, attention.heads, attention.keyWidth, attention.valueWidth, attention.isCosine ? 1 : 0] { put(value) }
      put(attention.scales)
      put(attention.windows)
      put(attention.places)
      put(attention.parts)
      put(attention.bias)
    case .interleave(let interleave):
      for value in [interleave.x, interleave.y, interleave.rows, interleave.columns, interleave.groups] { put(value) }
    case .copy(let copy):
      put(copy.y)
      put(copy.sources.count)
      for source in copy.sources {
        for value in [source.map ?? -1, source.channel, source.down, source.right, source.downStep, source.rightStep] { put(value) }
      }
    }
  }
}

extension PlanStep {
  /// How a file tells what a step is.
  enum Tag: Int { case sparse, dense, pool, function, pair, copy, norm, resample, offset, attention, interleave, blocks }
  var tag: Tag {
    switch self {
    case .layer(let layer):
      switch layer.weights {
      case .sparse: .sparse
      case .dense: .dense
      case .blocks: .blocks
      }
    case .pool: .pool
    case .function: .function
    case .pair: .pair
    case .copy: .copy
    case .norm: .norm
    case .resample: .resample
    case .offset: .offset
    case .attention: .attention
    case .interleave: .interleave
    }
  }
}
