/// Reads the description at the end of a plan's bytes. Nothing that a file says is believed before it is compared with the file's length.
struct PlanReader {
  private let bytes: UnsafeRawBufferPointer
  private var place: Int

  /// Returns the plan of a storage, checked by ``Plan/check()``.
  static func plan(of storage: PlanStorage) throws(SparseRuntimeError) -> Plan {
    let bytes = storage.bytes
    guard bytes.count >= PlanWriter.headerSize else { throw .malformed("\(bytes.count) bytes are too few for a plan") }
    guard bytes.prefix(PlanWriter.magic.count).elementsEqual(PlanWriter.magic) else {
      throw .malformed("it does not begin with ESPPLAN; espalier compile makes plans")
    }
    func header<Value: FixedWidthInteger>(_ offset: Int, _: Value.Type) -> Value {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
    let version = header(8, UInt32.self)
    guard version == PlanWriter.version else {
      throw .malformed("it has version \(version); this program reads version \(PlanWriter.version)")
    }
    let length = header(16, UInt64.self)
    guard length == UInt64(bytes.count) else { throw .malformed("it should have \(length) bytes and has \(bytes.count)") }
    guard header(PlanWriter.checksum.lowerBound, UInt32.self) == PlanWriter.checksum(of: bytes) else {
      throw .malformed("its checksum is wrong: the file is damaged")
    }
    guard let start = Int(exactly: header(24, UInt64.self)), (PlanWriter.headerSize...bytes.count).contains(start) else {
      throw .malformed("its description lies beyond its end")
    }
    let code = header(PlanWriter.form, UInt32.self)
    guard let form = WeightForm(rawValue: code) else { throw .malformed("its weights have an unknown form, \(code)") }
    var numbers = storage
    if form != .float32 {
      guard let table = Int(exactly: header(PlanWriter.table, UInt64.self)), (PlanWriter.headerSize...start).contains(table) else {
        throw PackedNumbers.malformed("have a table beyond their end")
      }
      numbers = try PlanStorage(PackedNumbers(bytes, form: form, table: table..<start))
    }
    var reader = PlanReader(bytes: bytes, place: start)
    var plan = Plan(name: "", storage: numbers)
    try reader.read(into: &plan)
    try plan.check()
    return plan
  }

  private mutating func read(into plan: inout Plan) throws(SparseRuntimeError) {
    plan.name = try text()
    plan.groups = try number()
    plan.loneExamples = try number()
    for _ in 0..<(try count(of: 8)) { plan.preparation.shape.append(try number()) }
    (plan.preparation.mean, plan.preparation.deviation) = (try reals(), try reals())
    let resize = try number()
    plan.preparation.resize = resize == 0 ? nil : resize
    plan.preparation.isReversed = try number() != 0
    for _ in 0..<(try count(of: 8)) { plan.classes.append(try text()) }
    for _ in 0..<(try count(of: 56)) {
      plan.maps.append(
        PlanMap(
          channels: try number(), height: try number(), width: try number(), above: try number(), beside: try number(),
          row: try number(), plane: try number()))
    }
    for _ in 0..<(try count(of: 16)) { plan.steps.append(try step()) }
    for _ in 0..<(try count(of: 8)) { plan.outputs.append(try number()) }
    guard place == bytes.count else { throw .malformed("\(bytes.count - place) bytes follow its description") }
  }

  private mutating func number() throws(SparseRuntimeError) -> Int {
    guard bytes.count - place >= 8 else { throw .malformed("its description ends too early") }
    defer { place += 8 }
    return Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int64.self)))
  }

  private mutating func real() throws(SparseRuntimeError) -> Float {
    guard bytes.count - place >= 4 else { throw .malformed("its description ends too early") }
    defer { place += 4 }
    return Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
  }

  private mutating func reals() throws(SparseRuntimeError) -> [Float] {
    var values: [Float] = []
    for _ in 0..<(try count(of: 4)) { values.append(try real()) }
    return values
  }

  /// Returns a number of items, each of at least `size` bytes, that can still follow.
  private mutating func count(of size: Int) throws(SparseRuntimeError) -> Int {
    let count = try number()
    guard count >= 0, count <= (bytes.count - place) / size else { throw .malformed("its description ends too early") }
    return count
  }

  private mutating func text() throws(SparseRuntimeError) -> String {
    let count = try count(of: 1)
    defer { place += count }
    return String(decoding: bytes[place..<place + count], as: UTF8.self)
  }

  private mutating func numbers<Element>() throws(SparseRuntimeError) -> PlanNumbers<Element> {
    PlanNumbers(offset: try number(), count: try number())
  }

  private mutating func optional<Element>() throws(SparseRuntimeError) -> PlanNumbers<Element>? {
    let numbers: PlanNumbers<Element> = try numbers()
    return numbers.offset == -1 && numbers.count == 0 ? nil : numbers
  }

  private mutating func windows() throws(SparseRuntimeError) -> [PlanPool.Window] {
    var windows: [PlanPool.Window] = []
    for _ in 0..<(try count(of: 20)) { windows.append(PlanPool.Window(from: try number(), to: try number(), share: try real())) }
    return windows
  }

  private mutating func kind<Kind: RawRepresentable<UInt32>>(_ step: String) throws(SparseRuntimeError) -> Kind {
    let value = try number()
    guard let raw = UInt32(exactly: value), let kind = Kind(rawValue: raw) else {
      throw .malformed("step \"\(step.shown)\" has an unknown kind, \(value)")
    }
    return kind
  }

  private mutating func step() throws(SparseRuntimeError) -> PlanStep {
    let value = try number()
    guard let tag = PlanStep.Tag(rawValue: value) else { throw .malformed("it has a step of unknown kind, \(value)") }
    let name = try text()
    switch tag {
    case .sparse, .dense, .blocks:
      let (x, y, z, first) = (try number(), try number(), try number(), try number())
      let bias: PlanNumbers<Float>? = try optional()
      let (low, high, total) = (try real(), try real(), try number())
      let weights: PlanLayer.Weights
      if tag == .blocks {
        weights = .blocks(
          PlanBlocks(
            rows: try number(), deltas: try numbers(), bases: try numbers(), starts: try numbers(), offsets: try numbers(),
            values: try numbers()))
      } else if tag == .sparse {
        weights = .sparse(
          PlanFilters(
            bases: try numbers(), starts: try numbers(), offsets: try numbers(), values: try numbers(), vectors: try number(),
            stride: try number()))
      } else {
        let (groups, inputs, block) = (try number(), try number(), try number())
        weights = .dense(PlanMatrix(groups: groups, inputs: inputs, block: block, taps: try numbers(), values: try numbers()))
      }
      return .layer(
        PlanLayer(
          name: name, x: x, y: y, z: z == -1 ? nil : z, first: first, bias: bias, low: low, high: high, total: total, weights: weights))
    case .pool:
      let (x, y, isMean) = (try number(), try number(), try number())
      return .pool(
        PlanPool(
          name: name, x: x, y: y, isMean: isMean != 0, rows: try windows(), columns: try windows(), low: try real(), high: try real()))
    case .function:
      let (x, y) = (try number(), try number())
      return .function(
        PlanFunction(
          name: name, x: x, y: y, kind: try kind(name), alpha: try real(), scale: try optional(), shift: try optional(),
          slope: try optional(), low: try real(), high: try real()))
    case .pair:
      let (a, b, y) = (try number(), try number(), try number())
      return .pair(PlanPair(name: name, a: a, b: b, y: y, kind: try kind(name), low: try real(), high: try real()))
    case .norm:
      let (x, y) = (try number(), try number())
      return .norm(
        PlanNorm(
          name: name, x: x, y: y, kind: try kind(name), size: try number(), absent: try number(), epsilon: try real(), alpha: try real(),
          beta: try real(), k: try real(), scale: try optional(), shift: try optional()))
    case .resample:
      let (x, y, taps) = (try number(), try number(), try number())
      return .resample(
        PlanResample(name: name, x: x, y: y, taps: taps, places: try numbers(), shares: try optional(), token: try optional()))
    case .offset: return .offset(PlanOffset(name: name, x: try number(), y: try number(), numbers: try numbers()))
    case .attention:
      func operand() throws(SparseRuntimeError) -> PlanAttention.Operand { .init(map: try number(), channel: try number()) }
      let (queries, keys, values, y) = (try operand(), try operand(), try operand(), try number())
      let (heads, keyWidth, valueWidth, isCosine) = (try number(), try number(), try number(), try number())
      return .attention(
        PlanAttention(
          name: name, queries: queries, keys: keys, values: values, y: y, heads: heads, keyWidth: keyWidth, valueWidth: valueWidth,
          isCosine: isCosine != 0, scales: try numbers(), windows: try number(), places: try optional(), parts: try optional(),
          bias: try optional()))
    case .interleave:
      return .interleave(
        PlanInterleave(name: name, x: try number(), y: try number(), rows: try number(), columns: try number(), groups: try number()))
    case .copy:
      let y = try number()
      var sources: [PlanCopy.Source] = []
      for _ in 0..<(try count(of: 48)) {
        let map = try number()
        sources.append(
          PlanCopy.Source(
            map: map == -1 ? nil : map, channel: try number(), down: try number(), right: try number(), downStep: try number(),
            rightStep: try number()))
      }
      return .copy(PlanCopy(name: name, y: y, sources: sources))
    }
  }

  private init(bytes: UnsafeRawBufferPointer, place: Int) { (self.bytes, self.place) = (bytes, place) }
}
