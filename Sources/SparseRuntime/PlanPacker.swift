/// A plan whose weights were packed.
public struct PackedPlan: Sendable {
  /// A weight's change.
  public struct Change: Hashable, Sendable {
    /// Name of the layer's node.
    public let layer: String
    /// The weight before and after.
    public let from: Float, to: Float
    /// How far the two are apart.
    public var size: Float { abs(to - from) }
  }
  /// The file's bytes.
  public var bytes: [UInt8]
  /// The largest change that a weight has seen; nil where all are what they were.
  public var largestChange: Change?
}

/// A weight that a form cannot hold.
public struct UnpackableWeight: Error, Hashable, Sendable, CustomStringConvertible {
  /// Name of the layer's node.
  public let layer: String
  /// The weight.
  public let value: Float
  /// The form.
  public let form: WeightForm
  /// One line for the user.
  public var description: String {
    let reason = form == .float16 ? "beyond \(Int(Half.largest)), the largest number of float16" : "which \(form) cannot hold"
    return "\(layer.shown) has the weight \(value), \(reason); float32 and compact hold it"
  }
}

/// Packs the weights of a plan: the same plan in fewer bytes, which are unpacked when it is loaded.
///
/// Weights that are kept stay kept, also where they become 0. Biases, norms and whatever else a plan has stay as they are.
public struct PlanPacker {
  private let form: WeightForm
  private let plan: Plan
  private var payload: [UInt8] = []
  private var table: [Int] = []
  private var change: PackedPlan.Change?

  /// Returns a plan of ``PlanWriter`` with its weights in another form.
  ///
  /// - Throws: ``UnpackableWeight``; ``SparseRuntimeError`` for bytes that are no plan, or one that is packed already.
  public static func packed(_ bytes: [UInt8], as form: WeightForm) throws -> PackedPlan {
    let plan = try PlanReader.plan(of: PlanStorage(bytes))
    guard plan.storage.form == .float32 else {
      throw SparseRuntimeError.malformed("its weights are packed already, as \(plan.storage.form)")
    }
    guard form != .float32 else { return PackedPlan(bytes: bytes, largestChange: nil) }
    var packer = PlanPacker(form: form, plan: plan)
    let description = bytes.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 24, as: UInt64.self)) }
    try packer.packSections(upTo: description, of: bytes)
    return PackedPlan(bytes: packer.file(bytes[description...]), largestChange: packer.change)
  }

  private init(form: WeightForm, plan: Plan) { (self.form, self.plan) = (form, plan) }

  private mutating func packSections(upTo end: Int, of bytes: [UInt8]) throws(UnpackableWeight) {
    let layers = plan.steps.compactMap { if case .layer(let layer) = $0 { layer } else { nil } }
    let weights = layers.compactMap { layer -> (place: Int, layer: PlanLayer)? in self.place(of: layer).map { ($0, layer) } }
    var place = PlanWriter.headerSize
    for (start, layer) in weights.sorted(by: { $0.place < $1.place }) where start >= PackedSection.aligned(place) {
      pack(bytes, place..<start)
      place = try pack(layer, at: start)
    }
    // What follows a section up to the next place where numbers may begin is nobody's.
    if PackedSection.aligned(place) < end { pack(bytes, place..<end, isLast: true) }
  }

  /// Where a layer's weights begin, if they can be packed: filters whose arrays lie as a section has them.
  private func place(of layer: PlanLayer) -> Int? {
    if case .dense(let matrix) = layer.weights, form.valueSize < 4 {
      return matrix.values.offset.isMultiple(of: PackedSection.alignment) ? matrix.values.offset : nil
    }
    guard let weights = PlacedWeights(layer, plan.maps) else { return nil }
    let section = PackedFilters(
      blocks: weights.bases.count, outputs: weights.outputs, weights: weights.offsets.count, countBytes: 0, places: .plain,
      placeBytes: 0, plane: 0, taps: 0, end: 0, rows: weights.rows, points: weights.points)
    let layout = section.layout(at: weights.bases.offset)
    let isUsual = (layout.starts, layout.offsets, layout.values) == (weights.starts.offset, weights.offsets.offset, weights.values.offset)
    return isUsual ? weights.bases.offset : nil
  }

  // MARK: Sections

  private mutating func append(_ section: PackedSection, at place: Int) {
    table += [section.numbers.kind, place] + section.numbers.rest
  }

  /// Adds bytes as they are, without longer gaps of zeros, from the end of a section on; a gap is counted from there.
  private mutating func pack(_ bytes: [UInt8], _ range: Range<Int>, isLast: Bool = false) {
    var (start, last) = (PackedSection.aligned(range.lowerBound), range.lowerBound)
    for i in range where bytes[i] != 0 {
      if (32..<PackedSection.alignment).contains(i - last) {
        packRun(bytes, from: start, to: last)
        start = i
      }
      last = i + 1
    }
    // Zeros before a section need not be written, unless they are more than there may be between two; those at the end may be numbers.
    if isLast || range.upperBound - last >= PackedSection.alignment { last = range.upperBound }
    packRun(bytes, from: start, to: last)
  }

  private mutating func packRun(_ bytes: [UInt8], from start: Int, to end: Int) {
    guard start < end else { return }
    append(.bytes(end - start), at: start)
    payload += bytes[start..<end]
  }

  /// Adds a layer's weights and returns where they end.
  private mutating func pack(_ layer: PlanLayer, at place: Int) throws(UnpackableWeight) -> Int {
    let section: PackedSection
    if case .dense(let matrix) = layer.weights {
      let outputs = plan.maps[layer.y].channels
      let columns = matrix.values.count / outputs
      section = .matrix(outputs: outputs, columns: columns)
      try pack(plan.storage.array(matrix.values), of: layer.name, outputs: outputs) { $0 * columns..<($0 + 1) * columns }
    } else if let weights = PlacedWeights(layer, plan.maps) {
      let (bases, starts) = (plan.storage.array(weights.bases).map(Int.init), plan.storage.array(weights.starts).map(Int.init))
      var counts: [UInt8] = []
      for (start, end) in zip(starts, starts.dropFirst()) { counts.append(number: end - start, wide: UInt32.self) }
      let places = PackedPlaces(plan.storage.array(weights.offsets).map(Int.init), bases: bases, starts: starts, plane: weights.plane)
      let filters = PackedFilters(
        blocks: bases.count, outputs: weights.outputs, weights: weights.offsets.count, countBytes: counts.count, places: places.kind,
        placeBytes: places.bytes.count, plane: places.slots.plane, taps: places.slots.taps.count, end: places.end, rows: weights.rows,
        points: weights.points)
      section = .filters(filters)
      for number in bases + places.slots.taps { payload.append(bytesOf: UInt32(number)) }
      payload += counts + places.bytes
      try pack(
        plan.storage.array(weights.values), of: layer.name, outputs: weights.outputs, segments: bases.count, rows: weights.rows
      ) { filters.size * starts[$0]..<filters.size * starts[$0 + 1] }
    } else {
      return place
    }
    append(section, at: place)
    return section.end(at: place)
  }

  /// Adds values, of which each output has a range, or each group of `rows` outputs, whose values take turns.
  private mutating func pack(
    _ values: [Float], of layer: String, outputs: Int, segments: Int = 1, rows: Int = 1, range: (Int) -> Range<Int>
  ) throws(UnpackableWeight) {
    switch form {
    case .float32, .compact: for value in values { payload.append(bytesOf: value) }
    case .float16:
      for value in values {
        let half = Half.bits(of: value)
        guard Half.value(of: half).isFinite || !value.isFinite else { throw UnpackableWeight(layer: layer, value: value, form: form) }
        note(layer, value, Half.value(of: half))
        payload.append(bytesOf: half)
      }
    case .int8:
      if let value = values.first(where: { !$0.isFinite }) { throw UnpackableWeight(layer: layer, value: value, form: form) }
      func output(_ segment: Int, _ place: Int) -> Int { segment % outputs * rows + place % rows }
      var scales = [Float](repeating: 0, count: outputs * rows)
      for segment in 0..<segments * outputs {
        for i in range(segment) { scales[output(segment, i)] = max(scales[output(segment, i)], abs(values[i])) }
      }
      for o in scales.indices {
        scales[o] /= 127
        payload.append(bytesOf: scales[o])
      }
      for segment in 0..<segments * outputs {
        for i in range(segment) {
          let (value, scale) = (values[i], scales[output(segment, i)])
          // A scale that has become 0, or a rough one, is that of numbers below 10⁻⁴².
          let steps = scale > 0 ? min(max((value / scale).rounded(.toNearestOrEven), -127), 127) : 0
          note(layer, value, scale * steps)
          payload.append(bytesOf: Int8(steps))
        }
      }
    }
  }

  private mutating func note(_ layer: String, _ from: Float, _ to: Float) {
    guard from != to, from.isFinite, abs(to - from) > change?.size ?? 0 else { return }
    change = PackedPlan.Change(layer: layer, from: from, to: to)
  }

  private func file(_ description: ArraySlice<UInt8>) -> [UInt8] {
    var file = [UInt8](repeating: 0, count: PlanWriter.headerSize) + payload
    file.append(contentsOf: repeatElement(0, count: (8 - file.count % 8) % 8))
    let start = file.count
    for number in table { file.append(bytesOf: Int64(number)) }
    let end = file.count
    file += description
    func set<Value: BitwiseCopyable>(_ value: Value, at place: Int) {
      withUnsafeBytes(of: value) { file.replaceSubrange(place..<place + $0.count, with: $0) }
    }
    file.replaceSubrange(0..<PlanWriter.magic.count, with: PlanWriter.magic)
    set(PlanWriter.version, at: 8)
    set(form.rawValue, at: PlanWriter.form)
    set(UInt64(file.count), at: 16)
    set(UInt64(end), at: 24)
    set(UInt64(start), at: PlanWriter.table)
    set(PlanWriter.checksum(of: file), at: PlanWriter.checksum.lowerBound)
    return file
  }
}

/// The arrays of weights that have places, on their own or in blocks.
private struct PlacedWeights {
  let bases: PlanNumbers<UInt32>, starts: PlanNumbers<UInt32>, offsets: PlanNumbers<UInt16>, values: PlanNumbers<Float>
  /// Outputs, or groups of as many as a block has.
  let outputs: Int
  /// Outputs and points of a block.
  let rows: Int, points: Int
  /// What places count from a channel to the next.
  let plane: Int

  /// Nil for a dense layer.
  init?(_ layer: PlanLayer, _ maps: [PlanMap]) {
    let (channels, plane) = (maps[layer.y].channels, maps[layer.x].plane)
    switch layer.weights {
    case .dense: return nil
    case .sparse(let filters):
      (bases, starts, offsets, values) = (filters.bases, filters.starts, filters.offsets, filters.values)
      (outputs, rows, points, self.plane) = (channels, 1, 1, plane / filters.stride)
    case .blocks(let blocks):
      (bases, starts, offsets, values) = (blocks.bases, blocks.starts, blocks.offsets, blocks.values)
      (outputs, rows, points, self.plane) = (blocks.groups(channels), blocks.rows, blocks.deltas.count, plane)
    }
  }
}

/// The places of a layer's weights in as few bytes as one of the ways takes.
struct PackedPlaces {
  private(set) var kind = PackedFilters.Places.plain
  private(set) var bytes: [UInt8] = []
  private(set) var slots: PlaceSlots
  private(set) var end = 0

  init(_ offsets: [Int], bases: [Int], starts: [Int], plane: Int) {
    let outputs = (starts.count - 1) / bases.count
    slots = PlaceSlots(plane: plane, taps: [])
    for offset in offsets { bytes.append(bytesOf: UInt16(offset)) }
    var taps: Set<Int> = []
    for block in bases.indices {
      for i in starts[block * outputs]..<starts[(block + 1) * outputs] { taps.insert((bases[block] + offsets[i]) % plane) }
    }
    let known = PlaceSlots(plane: plane, taps: taps.sorted())
    guard !taps.isEmpty else { return }
    // [segments]: each weight's slot, counted from the block's first.
    let firsts = bases.map { known.first(from: $0) }
    var found: [[Int]] = []
    for segment in 0..<starts.count - 1 {
      let block = segment / outputs
      let here = (starts[segment]..<starts[segment + 1]).map { known.first(from: bases[block] + offsets[$0]) - firsts[block] }
      guard zip(here, here.dropFirst()).allSatisfy({ $0 < $1 }) else { return }
      found.append(here)
    }
    let plain = bytes.count
    var gaps: [UInt8] = []
    for segment in found {
      var next = 0
      for slot in segment {
        gaps.append(number: slot - next, wide: UInt16.self)
        next = slot + 1
      }
    }
    let size = 4 * taps.count
    if size + gaps.count < plain { (kind, bytes, slots) = (.gaps, gaps, known) }
    // A mask has all slots of a block, up to the next one or to the last that is used.
    let last = found.suffix(outputs).compactMap(\.last).max().map { firsts[firsts.count - 1] + $0 + 1 } ?? firsts[firsts.count - 1]
    let ends = Array(firsts.dropFirst()) + [last]
    let lengths = zip(firsts, ends).map { $1 - $0 }
    guard lengths.allSatisfy({ $0 >= 0 }), size + (outputs * (last - firsts[0]) + 7) / 8 < min(size + gaps.count, plain),
      found.enumerated().allSatisfy({ $1.last ?? -1 < lengths[$0 / outputs] })
    else { return }
    var mask = [UInt8](repeating: 0, count: (outputs * (last - firsts[0]) + 7) / 8)
    var bit = 0
    for (segment, here) in found.enumerated() {
      for slot in here { mask[(bit + slot) / 8] |= 1 << UInt8((bit + slot) % 8) }
      bit += lengths[segment / outputs]
    }
    (kind, bytes, slots, end) = (.mask, mask, known, last)
  }
}

extension [UInt8] {
  fileprivate mutating func append<Value: BitwiseCopyable>(bytesOf value: Value) {
    Swift.withUnsafeBytes(of: value) { append(contentsOf: $0) }
  }

  /// Adds a number as a byte, or as 255 and the bytes of a wider kind.
  fileprivate mutating func append<Wide: FixedWidthInteger & BitwiseCopyable>(number: Int, wide: Wide.Type) {
    if number < 255 { return append(UInt8(number)) }
    append(255)
    append(bytesOf: Wide(truncatingIfNeeded: number))
  }
}
