import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import SparseCompiler
@testable import SparseRuntime

/// Plans whose weights lie in blocks, in fewer bytes in their files.
struct PackedBlocksTests {
  private static let packed = WeightForm.allCases.filter { $0 != .float32 }

  private func bytes<Value: BitwiseCopyable>(of values: [Value]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  /// [5][2][2]: blocks of two points and two outputs, of a layer of three outputs, so that every second value of the last group is nobody's.
  private static let values: [Float] = [
    127, 254, -64, 0,
    0.5, 1, 1.5, 0,
    3, 0, -1.5, 0,
    2.5, -3, -127, 0.25,
    0, 0, 63.5, 0,
  ]

  /// A layer of 8 inputs and 3 outputs in two spans, whose blocks begin at inputs 0 and 2, 1, 6, 4.
  private func layer(_ values: [Float] = values) -> [UInt8] {
    var writer = PlanWriter()
    let blocks = PlanBlocks(
      rows: 2, deltas: writer.add([UInt32]([0, 1])), bases: writer.add([UInt32]([0, 4])), starts: writer.add([UInt32]([0, 2, 3, 4, 5])),
      offsets: writer.add([UInt16]([0, 2, 1, 2, 0])), values: writer.add(values))
    let layer = PlanLayer(name: "fc", x: 0, y: 1, first: 0, bias: nil, weights: .blocks(blocks))
    return writer.file(
      name: "one", maps: [PlanMap(features: 8), PlanMap(features: 3)], steps: [.layer(layer)], outputs: [1], groups: 1, loneExamples: 8)
  }

  // MARK: Bytes

  /// The second position of a block; bases and the tap; how many blocks each span and group has; a bit for each input of each of them.
  private static let places: [UInt8] = [0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 1, 0x25, 0x0c]

  @Test func blocksHaveAPlaceAndOutputsAScale() throws {
    let plain = layer()
    let packed = try PlanPacker.packed(plain, as: .int8)
    // Scales of three outputs and of the one that does not exist; halves go to the even neighbour.
    let payload =
      Self.places + bytes(of: [Float(1), 2, 0.5, 0])
      + bytes(
        of: [Int8]([
          127, 127, -64, 0,
          0, 0, 2, 0,
          6, 0, -3, 0,
          2, -2, -127, 0,
          0, 0, 127, 0,
        ]))
    #expect(Array(packed.bytes[64..<128]) == payload + [0, 0, 0, 0, 0])
    #expect(packed.bytes.number(at: 40) == 128 && packed.bytes.number(at: 24) == 256)
    #expect((0..<16).map { packed.bytes.number(at: 128 + 8 * $0) } == [0, 64, 5, 3, 128, 2, 2, 5, 4, 2, 2, 1, 1, 7, 2, 2])
    #expect(packed.largestChange == PackedPlan.Change(layer: "fc", from: 1, to: 0))
    let model = try CompiledModel(bytes: packed.bytes)
    #expect(model.plan.storage.form == .int8)
    // Two deltas of 4 bytes, and what the section has.
    #expect(model.plan.fileBytes(of: model.plan.steps[0]) == 8 + 54)
    #expect(model.plan.keptWeights(of: model.plan.steps[0]) == 10)
    // 127·1 - 64·2 + 2·4 + 2·7 - 127·8, 254·1 - 4·7 and 3·2 - 1.5·3 + 63.5·6.
    let outputs: [Float] = [-995, 226, 382.5]
    let input: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
    #expect(try model.run(input) == outputs)
    // The same for each of many examples side by side.
    #expect(try model.run((0..<20).flatMap { _ in input }) == (0..<20).flatMap { _ in outputs })
  }

  @Test func halvesAndTheSameNumbersLieInTheSameWay() throws {
    let plain = layer()
    let halves = try PlanPacker.packed(plain, as: .float16)
    let values = Self.values.map { Half.bits(of: $0) }
    #expect(Array(halves.bytes[64..<64 + 63]) == Self.places + bytes(of: values))
    #expect(halves.largestChange == nil)
    #expect((3..<16).map { halves.bytes.number(at: halves.bytes.number(at: 40) + 8 * $0) } == [3, 128, 2, 2, 5, 4, 2, 2, 1, 1, 7, 2, 2])
    let compact = try PlanPacker.packed(plain, as: .compact)
    #expect(Array(compact.bytes[64..<64 + 103]) == Self.places + bytes(of: Self.values))
    #expect(compact.largestChange == nil)
    let before = try CompiledModel(bytes: plain)
    for (packed, size) in [(halves, 2), (compact, 4)] {
      let after = try CompiledModel(bytes: packed.bytes)
      #expect(after.plan.storage.bytes[64...].elementsEqual(before.plan.storage.bytes[64..<plain.number(at: 24)]))
      #expect(after.plan.fileBytes(of: after.plan.steps[0]) == 8 + 18 + 20 * size)
    }
    // Nothing but two deltas, two bases and five starts of 4 bytes, five offsets of 2 and twenty values.
    #expect(before.plan.fileBytes(of: before.plan.steps[0]) == 36 + 10 + 80)
  }

  @Test func valuesThatAFormCannotHoldAreRefused() throws {
    var values = Self.values
    values[9] = -70000
    let large = layer(values)
    let error = #expect(throws: UnpackableWeight.self) { try PlanPacker.packed(large, as: .float16) }
    #expect(error?.description == "fc has the weight -70000.0, beyond 65504, the largest number of float16; float32 and compact hold it")
    values[9] = .infinity
    let endless = layer(values)
    let other = #expect(throws: UnpackableWeight.self) { try PlanPacker.packed(endless, as: .int8) }
    #expect(other?.description == "fc has the weight inf, which int8 cannot hold; float32 and compact hold it")
  }

  // MARK: There and back

  private static let rounds = BlockShape.allCases.enumerated().flatMap { i, shape in
    (0..<3).map { (shape, Mask.allCases[(i + 2 * $0) % 7], $0) }
  }

  /// Every array of a plan but the weights comes back to the bit, and the weights as their form has them.
  @Test(arguments: rounds) func blocksComeBack(_ shape: BlockShape, _ mask: Mask, _ draw: Int) throws {
    var graph = RandomNetwork(seed: UInt64(draw + 40))
    let networks = [BlockKernelTests.branches, try Architecture.parse("mlp:70-50-30-10"), try graph.network()]
    let model = try masked(networks[draw], mask, density: 0.4, seed: UInt64(draw))
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let kernels = Dictionary(
      uniqueKeysWithValues: compiler.layers.map { ($0.name, LayerKernel.blocks(shape, channels: [nil, 3, 16][draw])) })
    let plain = compiler.plan(kernels: kernels)
    let before = try CompiledModel(bytes: plain).plan
    var found = 0
    for form in Self.packed {
      let packed = try compiler.plan(weights: form, kernels: kernels)
      let after = try CompiledModel(bytes: packed.bytes).plan
      var restored = Array(after.storage.bytes[64...])
      var largest: Float = 0
      for case .layer(let layer) in before.steps {
        let outputs = before.maps[layer.y].channels
        let (numbers, owners) =
          switch layer.weights {
          case .blocks(let blocks): (blocks.values, owners(of: blocks, outputs, before.storage))
          // A layer that is smaller than the shape.
          case .sparse(let filters):
            (filters.values, owners(outputs, before.storage.array(filters.starts)).flatMap { Array(repeating: $1, count: $0.count) })
          case .dense: throw CancellationError()
          }
        if case .blocks = layer.weights { found += 1 }
        let (old, new) = (before.storage.array(numbers), after.storage.array(numbers))
        #expect(new == expected(old, owners, form))
        #expect(zip(old, new).allSatisfy { $0 != 0 || $1.bitPattern == 0 })
        largest = zip(old, new).reduce(largest) { max($0, abs($1.0 - $1.1)) }
        restored.replaceSubrange(numbers.offset - 64..<numbers.offset - 64 + 4 * old.count, with: bytes(of: old))
      }
      #expect(packed.largestChange?.size ?? 0 == largest && (form == .compact) == (largest == 0))
      let end = plain.number(at: 24)
      #expect(restored == Array(plain[64..<64 + restored.count]) && plain[64 + restored.count..<end].allSatisfy { $0 == 0 })
      #expect(packed.bytes.count < plain.count)
    }
    // The layers of an MLP have no kernels of several taps.
    #expect(found > 0 || shape == .kernel && draw == 1)
  }

  /// Ranges of places and the output, or the group of outputs, of each.
  private func owners(_ outputs: Int, _ starts: [UInt32]) -> [(Range<UInt32>, Int)] {
    (0..<starts.count - 1).map { (starts[$0]..<starts[$0 + 1], $0 % outputs) }
  }

  /// The output of each value of a layer's blocks.
  private func owners(of blocks: PlanBlocks, _ outputs: Int, _ storage: PlanStorage) -> [Int] {
    let groups = (outputs + blocks.rows - 1) / blocks.rows
    return owners(groups, storage.array(blocks.starts)).flatMap { places, group in
      places.flatMap { _ in (0..<blocks.deltas.count * blocks.rows).map { group * blocks.rows + $0 % blocks.rows } }
    }
  }

  private func expected(_ values: [Float], _ owners: [Int], _ form: WeightForm) -> [Float] {
    switch form {
    case .float32, .compact: return values
    case .float16: return values.map { Half.value(of: Half.bits(of: $0)) }
    case .int8:
      let largest = Dictionary(zip(owners, values.map(abs)), uniquingKeysWith: max)
      return zip(owners, values).map { owner, value in
        let scale = (largest[owner] ?? 0) / 127
        return scale > 0 ? scale * (value / scale).rounded(.toNearestOrEven) : 0
      }
    }
  }

  /// A place takes a byte or little more, for sixteen weights.
  @Test func formsAreAsSmallAsTheySay() throws {
    let model = try masked(Architecture.parse("lenet-300-100"), .block4x4, density: 0.1, seed: 4)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let kept = compiler.layers.reduce(0) { $0 + $1.kept }
    let kernels = Dictionary(uniqueKeysWithValues: compiler.layers.map { ($0.name, LayerKernel.blocks(.block(rows: 4, columns: 4))) })
    for (form, least) in [(WeightForm.float32, 4.125), (.compact, 4.0625), (.float16, 2.0625), (.int8, 1.0625)] {
      let size = Double(try compiler.plan(weights: form, kernels: kernels).bytes.count) / Double(kept)
      // Scales, counts, biases, the description and zeros of the last layer's ten outputs are the rest.
      #expect(size > least && size < least + 0.3, "\(form) has \(size) bytes a weight")
    }
  }

  // MARK: Hostile files

  @Test(arguments: [
    // The table's numbers: kind, place, spans, groups, blocks, bytes of counts, kind and bytes of places, plane, taps, end, rows, points.
    (152, 4, "its packed weights are of an unknown kind, 4"),
    (152, 2, "its packed weights have a table that ends too early"),
    (160, 129, "its packed weights lie at impossible places"),
    (168, 1 << 40, "its packed weights are more than its file has"),
    (176, 3, "its packed weights are more than its file has"),
    (184, 1 << 40, "its packed weights are more than its file has"),
    (184, 256, "its packed weights end too early"),
    (184, 6, "its packed weights are not as many as its outputs have"),
    (216, 0, "its packed weights lie at impossible places"),
    (240, 0, "its packed weights have blocks of an impossible shape"),
    (240, 3, "its packed weights have blocks of an impossible shape"),
    (240, -1, "its packed weights have blocks of an impossible shape"),
    (240, 1 << 62, "its packed weights have blocks of an impossible shape"),
    (240, 4, "its packed weights end too early"),
    (240, 1, "its packed weights have bytes that nothing reads"),
    (248, 0, "its packed weights have blocks of an impossible shape"),
    (248, -1, "its packed weights have blocks of an impossible shape"),
    (248, 1 << 62, "its packed weights have blocks of an impossible shape"),
    (248, 4097, "its packed weights have blocks of an impossible shape"),
    (248, 4096, "its packed weights end too early"),
    (248, 3, "its packed weights end too early"),
    (248, 1, "its packed weights have bytes that nothing reads"),
    // What the table leads to: the second delta and base, the tap, counts, the mask.
    (68, 200, "step \"fc\" reads beyond its input"),
    (73, 5, "its packed weights are not as many as its outputs have"),
    (73, 8, "its packed weights have blocks out of order"),
    (77, 1, "its packed weights lie at impossible places"),
    (81, 3, "its packed weights are more than its file has"),
    (81, 255, "its packed weights end too early"),
    (84, 0, "its packed weights are not as many as its outputs have"),
    (85, 0x24, "its packed weights are not as many as its outputs have"),
  ]) func forgedBlocksAreRefusedByTheirOwnBytes(_ place: Int, _ value: Int, _ message: String) throws {
    var forged = try PlanPacker.packed(layer(), as: .int8).bytes
    if place < 128 {
      forged[place] = UInt8(value)
    } else {
      forged.replaceSubrange(place..<place + 8, with: bytes(of: [Int64(value)]))
    }
    let error = #expect(throws: SparseRuntimeError.self) { try CompiledModel(bytes: forged.sealed) }
    #expect(error?.description == "not a usable plan: \(message)")
  }

  /// A description that says other blocks than were packed reads what lies there, or is refused.
  @Test func descriptionsOfOtherBlocksAreRefused() throws {
    let good = try PlanPacker.packed(layer(), as: .int8).bytes
    // rows, deltas, bases, starts, offsets and values: eleven numbers; then one output.
    let place = good.count - 16 - 88
    #expect((0..<11).map { good.number(at: place + 8 * $0) } == [2, 64, 2, 128, 2, 192, 5, 256, 5, 320, 20])
    for (index, value, message) in [
      (0, 4, "lacks weights or their places"), (0, 3, "has blocks of 3 outputs"), (10, 21, "lacks weights or their places"),
      (9, 324, "lacks weights or their places"), (2, 4, "lacks weights or their places"), (4, 1, "lacks its blocks"),
      (8, 4, "lacks weights or their places"), (1, 400, "lacks the shape of its blocks"),
    ] {
      var forged = good
      forged.replaceSubrange(place + 8 * index..<place + 8 * index + 8, with: bytes(of: [Int64(value)]))
      let error = #expect(throws: SparseRuntimeError.self) { try CompiledModel(bytes: forged.sealed) }
      #expect(error?.description == "not a usable plan: step \"fc\" \(message)", "\(index)")
    }
  }

  /// Each mutant is refused in a line or runs, and none takes more than eight times the memory of its bytes.
  @Test(arguments: packed, 0..<3) func mutantsAreRefusedOrHarmless(_ form: WeightForm, _ part: Int) throws {
    let model = try masked(BlockKernelTests.branches, [.block4x4, .block2x2, .kernel][part], density: 0.4, seed: 1)
    let compiler = try PlanCompiler(model.network) { try model.tensors[$0]?.detached().array(Float.self) }
    let shape = [BlockShape.block(rows: 4, columns: 4), .block(rows: 2, columns: 2), .kernel][part]
    let kernels = Dictionary(
      uniqueKeysWithValues: compiler.layers.map { ($0.name, LayerKernel.blocks(shape, channels: [nil, 4, 2][part])) })
    let good = try compiler.plan(weights: form, kernels: kernels, groups: 1 << part).bytes
    let refused = try refusedPackedMutants(600, of: good, as: form, seed: part + 1)
    #expect(refused > 200)
  }
}
