import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import SparseCompiler
@testable import SparseRuntime

/// Plans whose weights lie in fewer bytes in their files.
struct PackedPlanTests {
  private static let packed = WeightForm.allCases.filter { $0 != .float32 }

  private func compiler(_ network: String, density: Double = 0.2, seed: UInt64 = 5) throws -> PlanCompiler {
    let model = try randomized(Architecture.parse(network), density: density, seed: seed)
    return try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
  }

  // MARK: Bytes

  /// A layer of one block: outputs with these places, and all values one after another.
  private func layer(_ places: [[Int]], _ values: [Float], _ maps: [PlanMap], first: Int = 0) -> [UInt8] {
    var writer = PlanWriter()
    var starts: [UInt32] = [0]
    for output in places { starts.append(starts[starts.count - 1] + UInt32(output.count)) }
    let filters = PlanFilters(
      bases: writer.add([UInt32(0)]), starts: writer.add(starts), offsets: writer.add(places.joined().map { UInt16($0) }),
      values: writer.add(values), vectors: 8)
    let layer = PlanLayer(name: "fc", x: 0, y: 1, first: first, bias: nil, weights: .sparse(filters))
    return writer.file(name: "one", maps: maps, steps: [.layer(layer)], outputs: [1], groups: 1, loneExamples: 8)
  }

  private func bytes(of values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  @Test func placesAreGapsWithAnEscape() throws {
    let places = [[0, 3, 4, 5, 6, 7, 8, 400], [299]]
    let values: [Float] = [127, -64, 1, 0.5, 1.5, 2.5, -127, 3, 0.25]
    let plain = layer(places, values, [PlanMap(features: 600), PlanMap(features: 2)])
    let packed = try PlanPacker.packed(plain, as: .int8)
    let table = packed.bytes.number(at: 40)
    // Base and tap 0; eight weights and one; 391 and 299 slots do not fit into a byte.
    var payload: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0, 2, 0, 0, 0, 0, 0, 255, 0x87, 0x01, 255, 0x2b, 0x01]
    payload += bytes(of: [1, 0.25 / 127])
    // Halves go to the even neighbour.
    payload += [127, 0xc0, 1, 0, 2, 2, 0x81, 3, 127]
    #expect(Array(packed.bytes[64..<64 + payload.count]) == payload)
    #expect(table == 104)
    #expect((0..<11).map { packed.bytes.number(at: table + 8 * $0) } == [2, 64, 1, 2, 9, 2, 1, 13, 1, 1, 0])
    #expect(packed.bytes.number(at: 24) == table + 88)
    #expect(packed.bytes[8..<16].elementsEqual([3, 0, 0, 0, 3, 0, 0, 0]))
    #expect(packed.largestChange == PackedPlan.Change(layer: "fc", from: 0.5, to: 0))
    let model = try CompiledModel(bytes: packed.bytes)
    #expect(model.plan.storage.form == .int8)
    #expect(model.plan.fileBytes(of: model.plan.steps[0]) == payload.count)
    #expect(model.plan.keptWeights(of: model.plan.steps[0]) == 9)
    #expect(try model.run((0..<600).map { Float($0) }) == [-192 + 4 + 0 + 12 + 14 - 1016 + 1200, 299 * (127 * Float(0.25 / 127 as Float))])
  }

  @Test func placesAreAMaskWhereThatIsSmaller() throws {
    let x = PlanMap(channels: 2, height: 3, width: 3, above: 1, beside: 1, row: 4, plane: 16)
    let y = PlanMap(channels: 2, height: 2, width: 2, above: 1, beside: 1, row: 4, plane: 16)
    let plain = layer([[0, 1, 4, 5, 16, 17, 20], [0, 5, 21]], [1, 2, 3, 4, 5, 6, 7, 8, 9, 70000], [x, y], first: x.origin)
    let packed = try PlanPacker.packed(plain, as: .compact)
    // One base; four taps of a channel of 16 positions; seven weights and three; a bit for each slot.
    var payload: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 7, 3, 0x7f, 0x89]
    payload += bytes(of: [1, 2, 3, 4, 5, 6, 7, 8, 9, 70000])
    #expect(Array(packed.bytes[64..<64 + payload.count]) == payload)
    let table = packed.bytes.number(at: 40)
    #expect(table == 128)
    #expect((0..<11).map { packed.bytes.number(at: table + 8 * $0) } == [2, 64, 1, 2, 10, 2, 2, 2, 16, 4, 8])
    #expect(packed.largestChange == nil)
    let input = (0..<18).map { Float($0 * $0 % 7) }
    #expect(try CompiledModel(bytes: packed.bytes).run(input) == CompiledModel(bytes: plain).run(input))
    // A half ends at 65504.
    let error = #expect(throws: UnpackableWeight.self) { try PlanPacker.packed(plain, as: .float16) }
    #expect(error?.description == "fc has the weight 70000.0, beyond 65504, the largest number of float16; float32 and compact hold it")
    let broken = layer([[0], [1]], [.nan, 1], [PlanMap(features: 2), PlanMap(features: 2)])
    let other = #expect(throws: UnpackableWeight.self) { try PlanPacker.packed(broken, as: .int8) }
    #expect(other?.description == "fc has the weight nan, which int8 cannot hold; float32 and compact hold it")
    #expect(try CompiledModel(bytes: PlanPacker.packed(broken, as: .float16).bytes).run([0, 2])[1] == 2)
    let again = #expect(throws: SparseRuntimeError.self) { try PlanPacker.packed(packed.bytes, as: .int8) }
    #expect(again?.description == "not a usable plan: its weights are packed already, as compact")
  }

  /// Numbers behind a layer's weights that begin with zeros, however far from its last byte the next place for numbers is.
  @Test func zerosBehindWeightsComeBack() throws {
    let network = try Architecture.parse("mlp:40-10-64")
    for count in 9...41 {
      for zeros in 0...24 {
        let compiler = try PlanCompiler(network) { name in
          switch (name.module, name.role) {
          case (network.nodes[1].module, .weight): (0..<400).map { $0 % 9 == 0 && $0 / 9 < count ? 1 : 0 }
          case (_, .weight): (0..<640).map { $0 % 7 == 0 ? 2 : 0 }
          case (network.nodes[1].module, _): Array(repeating: 3, count: 10)
          default: (0..<64).map { $0 < zeros ? 0 : 1 }
          }
        }
        for kernel in [LayerKernel.dense, .sparse(channels: nil)] {
          let kernels = Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, kernel) })
          let input = (0..<40).map { Float($0) / 8 }
          let plain = try CompiledModel(bytes: compiler.plan(kernels: kernels)).run(input)
          for form in Self.packed {
            #expect(try CompiledModel(bytes: compiler.plan(weights: form, kernels: kernels).bytes).run(input).count == plain.count)
          }
          let compact = try compiler.plan(weights: .compact, kernels: kernels).bytes
          #expect(try CompiledModel(bytes: compact).run(input) == plain)
        }
      }
    }
  }

  private static let halves: [(Float, UInt16)] = [
    (0, 0), (-0.0, 0x8000), (1, 0x3c00), (-2, 0xc000), (65504, 0x7bff), (65519.996, 0x7bff), (65520, 0x7c00),
    (-1e30, 0xfc00), (.infinity, 0x7c00), (0x1p-14, 0x400), (0x1p-24, 1), (0x1p-25, 0), ((0x1p-25 as Float).nextUp, 1), (0x3p-25, 2),
    (0x5p-25, 2), (0x7ffp-25, 0x400), (0x1.002p0, 0x3c00), (0x1.006p0, 0x3c02), (0x1.0020_02p0, 0x3c01), (0x1p-149, 0), (-1e-10, 0x8000),
  ]

  @Test(arguments: halves) func halvesAreTheNearest(_ value: Float, _ bits: UInt16) { #expect(Half.bits(of: value) == bits) }

  @Test func everyHalfGoesThereAndBack() {
    for bits in UInt16.min...UInt16.max {
      let value = Half.value(of: bits)
      if bits & 0x7fff > 0x7c00 {
        #expect(value.isNaN && Half.value(of: Half.bits(of: value)).isNaN)
        continue
      }
      guard Half.bits(of: value) == bits else {
        Issue.record("\(bits) became \(value)")
        return
      }
      #if !(os(macOS) && arch(x86_64))
        // Where denormal numbers count as 0, as in trainings, the system converts them to 0.
        let half = Float16(bitPattern: bits)
        let expected = bits & 0x7c00 == 0 ? (bits >> 15 == 0 ? 0x1p-24 : -0x1p-24) * Float(half.significandBitPattern) : Float(half)
        guard value == expected else {
          Issue.record("\(bits) is \(expected), not \(value)")
          return
        }
      #endif
    }
    #if !(os(macOS) && arch(x86_64))
      for draw in 0..<UInt32(200_000) {
        let value = Float(bitPattern: draw &* 2_654_435_761)
        guard value.magnitude >= 0x1p-14 else { continue }
        guard Half.bits(of: value) == Float16(value).bitPattern else {
          Issue.record("\(value) became \(Half.bits(of: value)), not \(Float16(value).bitPattern)")
          return
        }
      }
    #endif
  }

  // MARK: There and back

  /// Every array of a plan but the weights comes back to the bit, and the weights as their form has them.
  @Test(arguments: 0..<30) func plansComeBack(_ seed: Int) throws {
    var graph = RandomNetwork(seed: UInt64(seed))
    let model = try randomized(graph.network(), density: [1, 0.6, 0.3, 0.1][seed % 4], seed: UInt64(seed))
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let kernel: LayerKernel? = [nil, .dense, .sparse(channels: nil), .sparse(channels: 3)][seed / 4 % 4]
    let kernels = Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, kernel ?? $0.usual) })
    let plain = compiler.plan(kernels: kernels)
    #expect(try compiler.plan(weights: .float32, kernels: kernels).bytes == plain)
    let before = try CompiledModel(bytes: plain).plan
    for form in Self.packed {
      let packed = try compiler.plan(weights: form, kernels: kernels)
      #expect(try packed.bytes == compiler.plan(weights: form, kernels: kernels).bytes)
      let after = try CompiledModel(bytes: packed.bytes).plan
      var restored = Array(after.storage.bytes[64...])
      // Back to what they were, to compare the rest.
      var largest: Float = 0
      for case .layer(let layer) in before.steps {
        let outputs = before.maps[layer.y].channels
        let (values, starts) =
          switch layer.weights {
          case .dense(let matrix): (matrix.values, (0...outputs).map { $0 * matrix.values.count / outputs })
          case .sparse(let filters): (filters.values, before.storage.array(filters.starts).map(Int.init))
          // None of the kernels above.
          case .blocks: throw CancellationError()
          }
        let (old, new) = (before.storage.array(values), after.storage.array(values))
        #expect(new == expected(old, starts, outputs, form))
        largest = zip(old, new).reduce(largest) { max($0, abs($1.0 - $1.1)) }
        restored.replaceSubrange(values.offset - 64..<values.offset - 64 + 4 * old.count, with: bytes(of: old))
      }
      #expect(packed.largestChange?.size ?? 0 == largest)
      let end = plain.number(at: 24)
      #expect(restored == Array(plain[64..<64 + restored.count]) && plain[64 + restored.count..<end].allSatisfy { $0 == 0 })
    }
  }

  private func expected(_ values: [Float], _ starts: [Int], _ outputs: Int, _ form: WeightForm) -> [Float] {
    switch form {
    case .float32, .compact: return values
    case .float16: return values.map { Half.value(of: Half.bits(of: $0)) }
    case .int8:
      var result = values
      for o in 0..<outputs {
        let own = stride(from: o, to: starts.count - 1, by: outputs).flatMap { starts[$0]..<starts[$0 + 1] }
        let scale = (own.map { abs(values[$0]) }.max() ?? 0) / 127
        for i in own { result[i] = scale > 0 ? scale * (values[i] / scale).rounded(.toNearestOrEven) : 0 }
      }
      return result
    }
  }

  /// Half of the bytes, and less: a weight's place takes a byte or little more.
  @Test func formsAreAsSmallAsTheySay() throws {
    let compiler = try compiler("lenet-300-100", density: 0.1)
    let kept = compiler.layers.reduce(0) { $0 + $1.kept }
    let kernels = Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, LayerKernel.sparse(channels: 128)) })
    for (form, least) in [(WeightForm.float32, 6), (.compact, 5), (.float16, 3), (.int8, 2)] {
      let size = Double(try compiler.plan(weights: form, kernels: kernels).bytes.count) / Double(kept)
      // Counts, biases and the description of six maps are the rest.
      #expect(size > Double(least) && size < Double(least) + 0.5, "\(form) has \(size) bytes a weight")
    }
  }

  /// libtorch multiplies by the very weights that the form holds.
  @Test(arguments: packed, ["lenet-5", "mlp:70-50-10"]) func outputsAreThoseOfTheStoredWeights(_ form: WeightForm, _ name: String) throws {
    let model = try randomized(Architecture.parse(name), density: 0.3, seed: 8)
    var tensors = model.tensors
    for (name, tensor) in tensors where name.role == .weight && form != .compact {
      let values = try tensor.detached().array(Float.self)
      let size = values.count / tensor.shape[0]
      let stored = expected(values, (0...tensor.shape[0]).map { $0 * size }, tensor.shape[0], form)
      tensors[name] = try Tensor(stored, shape: tensor.shape)
    }
    let input = try Tensor.normal([19] + model.network.inputShapes[0].dimensions, generator: Generator(seed: 7))
    let wanted = try Executor(Model(network: model.network, tensors: tensors)).forward(input).array(Float.self)
    let largest = wanted.map(abs).max() ?? 0
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let blocks: [LayerKernel] = [.blocks(.block(rows: 4, columns: 4)), .blocks(.block(rows: 2, columns: 2), channels: 3), .blocks(.kernel)]
    for kernel in [LayerKernel.dense, .sparse(channels: nil), .sparse(channels: 7)] + blocks {
      let kernels = Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, kernel) })
      let result = try CompiledModel(bytes: compiler.plan(weights: form, kernels: kernels).bytes).run(input.array(Float.self))
      let difference = zip(result, wanted).map { abs($0 - $1) }.max() ?? .infinity
      #expect(largest > 0 && difference <= 1e-5 * largest, "\(form) \(kernel): \(difference) of \(largest)")
    }
  }

  // MARK: Hostile files

  @Test(arguments: [
    (12, 9, "its weights have an unknown form, 9"),
    (40, 1 << 40, "its packed weights have a table beyond their end"),
    (40, 184, "its packed weights have a table that ends too early"),
    // The table's numbers: kind, place, blocks, outputs, weights, bytes of counts, kind and bytes of places, plane, taps, end.
    (104, 7, "its packed weights are of an unknown kind, 7"),
    (112, 128, "its packed weights lie at impossible places"),
    (112, 65, "its packed weights lie at impossible places"),
    (120, 1 << 40, "its packed weights are more than its file has"),
    (128, 1 << 62, "its packed weights are more than its file has"),
    (128, 3, "its packed weights are more than its file has"),
    (136, 1 << 40, "its packed weights are more than its file has"),
    (136, 1, "its packed weights have bytes that nothing reads"),
    (144, 1, "its packed weights are more than its file has"),
    (152, 3, "its packed weights have places of an unknown kind"),
    (152, 0, "its packed weights lie at impossible places"),
    (160, 1 << 20, "its packed weights are more than its file has"),
    (160, 200, "its packed weights end too early"),
    (160, 12, "its packed weights end too early"),
    (168, 200, "its packed weights lie beyond their block"),
    (168, 0, "its packed weights lie at impossible places"),
    (176, 2, "its packed weights end too early"),
    (184, -1, "its packed weights are more than its file has"),
    // What the table leads to: the counts at 72, the gaps at 74.
    (72, 7, "its packed weights are not as many as its outputs have"),
    (72, 10, "its packed weights are more than its file has"),
    (72, 255, "its packed weights end too early"),
    (75, 255, "its packed weights end too early"),
    (86, 255, "step \"fc\" reads beyond its input"),
  ]) func forgedPlansAreRefusedByTheirOwnBytes(_ place: Int, _ value: Int, _ message: String) throws {
    let places = [[0, 3, 4, 5, 6, 7, 8, 400], [299]]
    let plain = layer(places, [127, -64, 1, 0.5, 1.5, 2.5, -127, 3, 0.25], [PlanMap(features: 600), PlanMap(features: 2)])
    var forged = try PlanPacker.packed(plain, as: .int8).bytes
    if place < 64 || place >= 104 {
      withUnsafeBytes(of: Int64(value)) {
        forged.replaceSubrange(place..<place + (place == 12 ? 4 : 8), with: $0.prefix(place == 12 ? 4 : 8))
      }
    } else {
      forged[place] = UInt8(value)
    }
    let error = #expect(throws: SparseRuntimeError.self) { try CompiledModel(bytes: forged.sealed) }
    #expect(error?.description == "not a usable plan: \(message)")
  }

  /// 10,200 mutants: each is refused in a line or runs, and none takes more than eight times the memory of its bytes.
  @Test(arguments: packed, 0..<4) func mutantsAreRefusedOrHarmless(_ form: WeightForm, _ part: Int) throws {
    var graph = RandomNetwork(seed: UInt64(part + 20))
    let model = try randomized(graph.network(), density: 0.5, seed: 1)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let kernels: [String: LayerKernel] =
      part == 0 ? [:] : Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, .sparse(channels: part)) })
    let good = try compiler.plan(weights: form, kernels: kernels, groups: 1 << (part % 3)).bytes
    let refused = try refusedPackedMutants(850, of: good, as: form, seed: part + 1)
    #expect(refused > 300)
  }
}
