internal import CSparse
internal import Networks
internal import Torch

/// The kept weights and the biases of a chain, their gradients and moments, each in one contiguous run of numbers for an optimizer step
/// to walk: layer by layer the values, then the bias.
final class SparseParameters {
  /// The place of a layer in the runs.
  struct Layer {
    let structure: SparseStructure
    /// Index of the layer's first value.
    let values: Int
    /// Index of the layer's first bias, one for each row; nil without a bias.
    let bias: Int?
    /// The rows whose bias is trained: live and not masked.
    let biasRows: Block<UInt16>
  }

  let layers: [Layer]
  let weights: Block<Float>
  let gradient: Block<Float>
  let moments: [Block<Float>]

  /// A tensor, or a moment of it, with the place of its elements in a run.
  private struct Copy {
    // Owns the elements that `dense` points to.
    let tensor: Tensor
    let dense: UnsafeMutablePointer<Float>
    let packed: UnsafeMutablePointer<Float>
    /// Positions of the elements in the tensor; nil for all of them in order.
    let positions: Block<UInt32>?
  }
  private let copies: [Copy]

  /// Reads the parameters of a model and its optimizer from their tensors.
  init(_ chain: FullyConnectedChain, model: Model, optimizer: Optimizer) throws {
    let state = optimizer.state
    func tensors(_ name: ParameterName) throws -> [Tensor] { [try model.tensor(name)] + (state.moments[name] ?? []) }
    func keep(_ name: ParameterName) throws -> [Bool]? { try model.masks[name]?.array(Bool.self) }

    let structures = try Self.structures(
      chain, keep: keep,
      atRest: { module in
        guard optimizer.plan.weightDecay == 0 else { return [] }
        return try Self.unitsAtRest(module, chain, moments: state.moments)
      })
    var layers: [Layer] = []
    var count = 0
    func place(_ elements: Int) -> Int {
      let start = count
      count += (elements + 15) / 16 * 16
      return start
    }
    for (layer, structure) in zip(chain.layers, structures) {
      let values = place(structure.count)
      let bias = layer.linear.bias ? place(layer.linear.outputs) : nil
      let kept = try keep(ParameterName(layer.module, .bias))
      let trained = bias == nil ? [] : structure.rows.filter { kept?[$0] ?? true }
      layers.append(Layer(structure: structure, values: values, bias: bias, biasRows: Block(trained.map(UInt16.init), padding: 0)))
    }
    let runs = (0..<(2 + optimizer.plan.momentCount)).map { _ in Block<Float>(count: count, repeating: 0) }
    var copies: [Copy] = []
    for (layer, chained) in zip(layers, chain.layers) {
      let places = [(ParameterName(chained.module, .weight), layer.values, layer.structure.positions as Block<UInt32>?)]
      let biases = layer.bias.map { [(ParameterName(chained.module, .bias), $0, nil as Block<UInt32>?)] } ?? []
      for (name, start, positions) in places + biases {
        // The run of gradients has no tensor.
        for (tensor, run) in zip(try tensors(name), [runs[0]] + runs.dropFirst(2)) {
          guard let dense = try tensor.withElements(Float.self, { $0.baseAddress }) else { continue }
          copies.append(Copy(tensor: tensor, dense: dense, packed: run.pointer + start, positions: positions))
        }
      }
    }
    self.layers = layers
    self.copies = copies
    (weights, gradient, moments) = (runs[0], runs[1], Array(runs.dropFirst(2)))
    collect()
  }

  /// Reads weights and moments from their tensors.
  func collect() {
    for copy in copies {
      if let positions = copy.positions {
        cs_collect(copy.dense, positions.pointer, positions.count, copy.packed)
      } else {
        copy.packed.update(from: copy.dense, count: copy.tensor.count)
      }
    }
  }

  /// Writes weights and moments to their tensors; pruned elements are left as they are, which is 0.
  func distribute() {
    for copy in copies {
      if let positions = copy.positions {
        cs_distribute(copy.packed, positions.pointer, positions.count, copy.dense)
      } else {
        copy.dense.update(from: copy.packed, count: copy.tensor.count)
      }
    }
  }

  /// Determines each layer's structure, from the output backwards: a hidden unit is live if a live unit reads it, or if its weights would
  /// change all the same.
  private static func structures(
    _ chain: FullyConnectedChain, keep: (ParameterName) throws -> [Bool]?, atRest: (String) throws -> Set<Int>
  ) throws -> [SparseStructure] {
    var rows = Array(0..<(chain.layers.last?.linear.outputs ?? 0))
    var structures: [SparseStructure] = []
    for (index, layer) in chain.layers.enumerated().reversed() {
      let kept = try keep(ParameterName(layer.module, .weight))
      let heard = SparseStructure(keep: kept, width: layer.linear.inputs, rows: rows, columns: nil)
      guard index > 0 else {
        structures.append(heard)
        break
      }
      let silent = Set(0..<layer.linear.inputs).subtracting(heard.columns)
      let skipped = try silent.isEmpty ? [] : silent.intersection(atRest(chain.layers[index - 1].module))
      let live = (0..<layer.linear.inputs).filter { !skipped.contains($0) }
      structures.append(
        live == heard.columns ? heard : SparseStructure(keep: kept, width: layer.linear.inputs, rows: rows, columns: live))
      rows = live
    }
    return structures.reversed()
  }

  /// Returns the units of a layer whose moments are all 0: without gradient and weight decay their weights do not change.
  private static func unitsAtRest(_ module: String, _ chain: FullyConnectedChain, moments: [ParameterName: [Tensor]]) throws -> Set<Int> {
    guard let outputs = chain.layers.first(where: { $0.module == module })?.linear.outputs else { return [] }
    var atRest = Set(0..<outputs)
    for role in [ParameterName.Role.weight, .bias] {
      for moment in moments[ParameterName(module, role)] ?? [] {
        let sums = try moment.detached().absolute().reshaped([outputs, -1]).sum(1).array(Float.self)
        atRest = atRest.filter { sums[$0] == 0 }
      }
    }
    return atRest
  }
}
