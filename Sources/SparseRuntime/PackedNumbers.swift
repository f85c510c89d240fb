/// The numbers of a packed plan. Nothing that its file says is believed before the file's own bytes bear it out: only then is memory taken.
struct PackedNumbers {
  let form: WeightForm
  /// The sections in order, each with where it begins unpacked.
  private(set) var sections: [(place: Int, section: PackedSection)] = []
  /// Bytes of all numbers once unpacked.
  private(set) var size = PlanWriter.headerSize
  private let bytes: UnsafeRawBufferPointer

  /// Reads the table of sections.
  ///
  /// - Parameters:
  ///   - bytes: the plan's file.
  ///   - table: where the table lies in it.
  /// - Throws: ``SparseRuntimeError/malformed(_:)`` for sections that the file does not have the bytes of.
  init(_ bytes: UnsafeRawBufferPointer, form: WeightForm, table: Range<Int>) throws(SparseRuntimeError) {
    (self.bytes, self.form) = (bytes, form)
    var reader = Table(bytes: bytes, place: table.lowerBound, end: table.upperBound)
    var packed = PlanWriter.headerSize
    while reader.place < table.upperBound {
      let (kind, place) = (try reader.number(), try reader.number())
      let section = try reader.section(kind)
      let isAligned = if case .bytes = section { true } else { place % PackedSection.alignment == 0 }
      // What lies between sections is 0, and less than what the table has for each.
      guard place >= size, place - size < PackedSection.alignment, isAligned else { throw Self.malformed("lie at impossible places") }
      packed += section.packedSize(form)
      guard packed <= table.lowerBound else { throw Self.malformed("end too early") }
      size = section.end(at: place)
      sections.append((place, section))
    }
    guard (packed + 7) / 8 * 8 == table.lowerBound else { throw Self.malformed("have bytes that nothing reads") }
  }

  /// Bytes that weights have in the file, by where they begin unpacked.
  var packedSizes: [Int: Int] {
    let weights = sections.filter { if case .bytes = $0.section { false } else { true } }
    return Dictionary(weights.map { ($0.place, $0.section.packedSize(form)) }, uniquingKeysWith: { first, _ in first })
  }

  static func malformed(_ what: String) -> SparseRuntimeError { .malformed("its packed weights \(what)") }

  /// Writes all numbers into `size` bytes of zeros.
  ///
  /// - Throws: ``SparseRuntimeError/malformed(_:)`` for places that do not lie within their block.
  func unpack(into target: UnsafeMutableRawPointer) throws(SparseRuntimeError) {
    guard let base = bytes.baseAddress else { return }
    var source = base + PlanWriter.headerSize
    for (place, section) in sections {
      switch section {
      case .bytes(let count): (target + place).copyMemory(from: source, byteCount: count)
      case .matrix(let outputs, let columns):
        unpackValues(source, to: target + place, outputs: outputs) { output in output * columns..<(output + 1) * columns }
      case .filters(let filters): try unpack(filters, source, target, place)
      }
      source += section.packedSize(form)
    }
  }

  /// Writes values, of which each output has a range, or each group of `rows` outputs, whose values take turns.
  private func unpackValues(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, outputs: Int, segments: Int = 1, rows: Int = 1,
    range: (Int) -> Range<Int>
  ) {
    let values = target.assumingMemoryBound(to: Float.self)
    for segment in 0..<segments * outputs {
      let range = range(segment)
      switch form {
      case .float32, .compact:
        (target + 4 * range.lowerBound).copyMemory(from: source + 4 * range.lowerBound, byteCount: 4 * range.count)
      case .float16:
        for i in range { values[i] = Half.value(of: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)) }
      case .int8:
        let steps = source + 4 * outputs * rows
        for row in 0..<rows {
          let scale = source.loadUnaligned(fromByteOffset: (segment % outputs * rows + row) * 4, as: Float.self)
          for i in stride(from: range.lowerBound + row, to: range.upperBound, by: rows) {
            values[i] = scale * Float(steps.load(fromByteOffset: i, as: Int8.self))
          }
        }
      }
    }
  }

  private func unpack(
    _ filters: PackedFilters, _ packed: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ place: Int
  ) throws(SparseRuntimeError) {
    let layout = filters.layout(at: place)
    (target + place).copyMemory(from: packed, byteCount: 4 * filters.blocks)
    let bases = UnsafePointer((target + place).assumingMemoryBound(to: UInt32.self))
    let starts = (target + layout.starts).assumingMemoryBound(to: UInt32.self)
    let offsets = (target + layout.offsets).assumingMemoryBound(to: UInt16.self)
    let taps = packed + 4 * filters.blocks
    let counts = taps + 4 * filters.taps
    var next = 0
    for i in 0..<filters.blocks * filters.outputs {
      guard next < filters.countBytes else { throw Self.malformed("end too early") }
      var count = UInt32(counts.load(fromByteOffset: next, as: UInt8.self))
      next += 1
      if count == 255 {
        guard next + 4 <= filters.countBytes else { throw Self.malformed("end too early") }
        count = counts.loadUnaligned(fromByteOffset: next, as: UInt32.self)
        next += 4
      }
      guard Int(count) <= filters.weights - Int(starts[i]) else { throw Self.malformed("are more than its file has") }
      starts[i + 1] = starts[i] + count
    }
    guard next == filters.countBytes, Int(starts[filters.blocks * filters.outputs]) == filters.weights else {
      throw Self.malformed("are not as many as its outputs have")
    }
    let places = counts + filters.countBytes
    let slots = PlaceSlots(
      plane: filters.plane, taps: (0..<filters.taps).map { Int(taps.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) })
    guard zip(slots.taps, slots.taps.dropFirst()).allSatisfy({ $0 < $1 }), slots.taps.allSatisfy({ $0 < filters.plane }) else {
      throw Self.malformed("lie at impossible places")
    }
    switch filters.places {
    case .plain: (target + layout.offsets).copyMemory(from: places, byteCount: filters.placeBytes)
    case .gaps: try unpackGaps(filters, places, slots, bases, starts, offsets)
    case .mask: try unpackMask(filters, places, slots, bases, starts, offsets)
    }
    unpackValues(
      places + filters.placeBytes, to: target + layout.values, outputs: filters.outputs, segments: filters.blocks, rows: filters.rows
    ) { filters.size * Int(starts[$0])..<filters.size * Int(starts[$0 + 1]) }
  }

  private func unpackGaps(
    _ filters: PackedFilters, _ places: UnsafeRawPointer, _ slots: PlaceSlots, _ bases: UnsafePointer<UInt32>,
    _ starts: UnsafePointer<UInt32>, _ offsets: UnsafeMutablePointer<UInt16>
  ) throws(SparseRuntimeError) {
    var next = 0
    for block in 0..<filters.blocks {
      let base = Int(bases[block])
      let first = slots.first(from: base)
      for segment in block * filters.outputs..<(block + 1) * filters.outputs {
        var slot = first
        for i in Int(starts[segment])..<Int(starts[segment + 1]) {
          guard next < filters.placeBytes else { throw Self.malformed("end too early") }
          var gap = Int(places.load(fromByteOffset: next, as: UInt8.self))
          next += 1
          if gap == 255 {
            guard next + 2 <= filters.placeBytes else { throw Self.malformed("end too early") }
            gap = Int(places.loadUnaligned(fromByteOffset: next, as: UInt16.self))
            next += 2
          }
          slot += gap
          guard let offset = UInt16(exactly: slots.position(of: slot) - base) else { throw Self.malformed("lie beyond their block") }
          offsets[i] = offset
          slot += 1
        }
      }
    }
    guard next == filters.placeBytes else { throw Self.malformed("have bytes that nothing reads") }
  }

  private func unpackMask(
    _ filters: PackedFilters, _ places: UnsafeRawPointer, _ slots: PlaceSlots, _ bases: UnsafePointer<UInt32>,
    _ starts: UnsafePointer<UInt32>, _ offsets: UnsafeMutablePointer<UInt16>
  ) throws(SparseRuntimeError) {
    var firsts = (0..<filters.blocks).map { slots.first(from: Int(bases[$0])) }
    firsts.append(filters.end)
    guard zip(firsts, firsts.dropFirst()).allSatisfy({ $0 <= $1 }) else { throw Self.malformed("have blocks out of order") }
    let (bits, isTooLarge) = (filters.end - firsts[0]).multipliedReportingOverflow(by: filters.outputs)
    guard !isTooLarge, bits <= 8 * filters.placeBytes, 8 * filters.placeBytes - bits < 8 else {
      throw Self.malformed("have a mask of another size")
    }
    var bit = 0
    for block in 0..<filters.blocks {
      let (base, first, length) = (Int(bases[block]), firsts[block], firsts[block + 1] - firsts[block])
      for segment in block * filters.outputs..<(block + 1) * filters.outputs {
        var next = Int(starts[segment])
        let (start, end) = (bit, bit + length)
        while bit < end {
          let rest = places.load(fromByteOffset: bit >> 3, as: UInt8.self) >> UInt8(bit & 7)
          let place = bit + rest.trailingZeroBitCount
          guard rest != 0 else {
            bit = (bit | 7) + 1
            continue
          }
          guard place < end else { break }
          guard next < Int(starts[segment + 1]) else { throw Self.malformed("are not as many as its outputs have") }
          guard let offset = UInt16(exactly: slots.position(of: first + place - start) - base) else {
            throw Self.malformed("lie beyond their block")
          }
          offsets[next] = offset
          next += 1
          bit = place + 1
        }
        bit = end
        guard next == Int(starts[segment + 1]) else { throw Self.malformed("are not as many as its outputs have") }
      }
    }
  }
}

/// A reader of the table of sections.
private struct Table {
  let bytes: UnsafeRawBufferPointer
  var place: Int
  let end: Int

  mutating func number() throws(SparseRuntimeError) -> Int {
    guard end - place >= 8 else { throw PackedNumbers.malformed("have a table that ends too early") }
    defer { place += 8 }
    return Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int64.self)))
  }

  /// A number of things that have at least a byte each, or another of at most `limit`.
  private mutating func number(upTo limit: Int) throws(SparseRuntimeError) -> Int {
    let number = try number()
    guard (0...limit).contains(number) else { throw PackedNumbers.malformed("are more than its file has") }
    return number
  }
  private mutating func count() throws(SparseRuntimeError) -> Int { try number(upTo: bytes.count) }

  mutating func section(_ kind: Int) throws(SparseRuntimeError) -> PackedSection {
    switch kind {
    case 0: return .bytes(try count())
    case 1:
      let (outputs, columns) = (try count(), try count())
      guard outputs >= 1, columns <= bytes.count / outputs else { throw PackedNumbers.malformed("are more than its file has") }
      return .matrix(outputs: outputs, columns: columns)
    case 2, 3:
      let (blocks, outputs, weights, countBytes) = (try count(), try count(), try count(), try count())
      guard let places = PackedFilters.Places(rawValue: try number()) else {
        throw PackedNumbers.malformed("have places of an unknown kind")
      }
      let (placeBytes, plane, taps) = (try count(), try number(upTo: Plan.longest), try count())
      let end = try number(upTo: 1 << 36)
      let (rows, points) = kind == 3 ? (try number(), try number()) : (1, 1)
      // Bounds within which a section's size is a number, which is then compared with the file's.
      guard [1, 2, 4].contains(rows), (1...PlanBlocks.mostPoints).contains(points) else {
        throw PackedNumbers.malformed("have blocks of an impossible shape")
      }
      let filters = PackedFilters(
        blocks: blocks, outputs: outputs, weights: weights, countBytes: countBytes, places: places, placeBytes: placeBytes, plane: plane,
        taps: taps, end: end, rows: rows, points: points)
      // Each output of a block has at least a byte that counts its weights.
      guard blocks >= 1, outputs >= 1, blocks <= countBytes / outputs, weights <= Int(UInt32.max) else {
        throw PackedNumbers.malformed("are more than its file has")
      }
      let fits =
        switch places {
        case .plain: placeBytes == 2 * weights && taps == 0
        case .gaps: placeBytes >= weights && taps >= 1 && plane >= 1
        case .mask: taps >= 1 && plane >= 1
        }
      guard fits else { throw PackedNumbers.malformed("lie at impossible places") }
      return .filters(filters)
    default: throw PackedNumbers.malformed("are of an unknown kind, \(kind)")
    }
  }
}
