internal import CSparse
internal import Networks
internal import Torch

/// The weights of a chain, their gradients and moments, each in one contiguous run of numbers: the weights of the sparse layers, those of
/// the dense ones, the biases. Gradients are stored for the first part only.
final class PackedParameters {
  /// The place of a layer in the runs.
  struct Layer {
    /// Which weights there are: all, or those that a mask keeps.
    enum Weights {
      case dense(DenseMatrix)
      case sparse(SparseStructure)
    }
    let weights: Weights
    /// Index of the layer's first value.
    let values: Int
    /// Index of the layer's first bias, one for each output; nil without a bias.
    let bias: Int?
    /// The outputs whose bias is trained: live and not masked.
    let biasRows: Block<UInt16>
  }

  let layers: [Layer]
  let weights: Block<Float>
  let gradient: Block<Float>
  let moments: [Block<Float>]

  /// A tensor, or a moment of it, with the place of its elements in a run.
  private struct Copy {
    /// How the elements lie in the run.
    enum Order {
      /// The elements at these positions.
      case entries(Block<UInt32>)
      /// All elements, in rows of some width that lie some distance apart.
      case rows(width: Int, stride: Int)
    }
    // Owns the elements that `dense` points to.
    let tensor: Tensor
    let dense: UnsafeMutablePointer<Float>
    let packed: UnsafeMutablePointer<Float>
    let order: Order

    func collect() {
      switch order {
      case .entries(let positions): cs_collect(dense, positions.pointer, positions.count, packed)
      case .rows(let width, let stride):
        for row in 0..<tensor.count / max(width, 1) { (packed + row * stride).update(from: dense + row * width, count: width) }
      }
    }

    func distribute() {
      switch order {
      case .entries(let positions): cs_distribute(packed, positions.pointer, positions.count, dense)
      case .rows(let width, let stride):
        for row in 0..<tensor.count / max(width, 1) { (dense + row * width).update(from: packed + row * stride, count: width) }
      }
    }
  }
  private let copies: [Copy]

  /// Reads the parameters of a model and its optimizer from their tensors.
  ///
  /// - Parameter isSparse: decides by a layer's density whether only its kept weights are stored.
  init(_ chain: FullyConnectedChain, model: Model, optimizer: Optimizer, isSparse: (Double) -> Bool) throws {
    let state = optimizer.state
    func tensors(_ name: ParameterName) throws -> [Tensor] { [try model.tensor(name)] + (state.moments[name] ?? []) }
    func keep(_ name: ParameterName) throws -> [Bool]? { try model.masks[name]?.array(Bool.self) }

    let stored = try Self.weights(
      chain, keep: keep, isSparse: isSparse,
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
    let isStoredSparse = stored.map { if case .sparse = $0 { true } else { false } }
    var places = Array(repeating: 0, count: stored.count)
    for index in stored.indices where isStoredSparse[index] { places[index] = place(stored[index].count) }
    let gradients = count
    for index in stored.indices where !isStoredSparse[index] { places[index] = place(stored[index].count) }
    for (values, (layer, weights)) in zip(places, zip(chain.layers, stored)) {
      let bias = layer.linear.bias ? place(layer.linear.outputs) : nil
      let kept = try keep(ParameterName(layer.module, .bias))
      let trained = bias == nil ? [] : weights.rows.filter { kept?[$0] ?? true }
      layers.append(Layer(weights: weights, values: values, bias: bias, biasRows: Block(trained.map(UInt16.init))))
    }
    let runs = (0..<(2 + optimizer.plan.momentCount)).map { Block<Float>(count: $0 == 1 ? gradients : count, repeating: 0) }
    var copies: [Copy] = []
    for (layer, chained) in zip(layers, chain.layers) {
      let order: Copy.Order =
        switch layer.weights {
        case .dense(let matrix): .rows(width: matrix.width, stride: matrix.stride)
        case .sparse(let structure): .entries(structure.positions)
        }
      let bias = Copy.Order.rows(width: chained.linear.outputs, stride: 0)
      let places = [(ParameterName(chained.module, .weight), layer.values, order)]
      for (name, start, order) in places + (layer.bias.map { [(ParameterName(chained.module, .bias), $0, bias)] } ?? []) {
        // The run of gradients has no tensor.
        for (tensor, run) in zip(try tensors(name), [runs[0]] + runs.dropFirst(2)) {
          guard let dense = try tensor.withElements(Float.self, { $0.baseAddress }) else { continue }
          copies.append(Copy(tensor: tensor, dense: dense, packed: run.pointer + start, order: order))
        }
      }
    }
    self.layers = layers
    self.copies = copies
    (weights, gradient, moments) = (runs[0], runs[1], Array(runs.dropFirst(2)))
    collect()
  }

  /// Reads weights and moments from their tensors.
  func collect() { for copy in copies { copy.collect() } }

  /// Writes weights and moments to their tensors; elements that are not stored are left as they are, which is 0.
  func distribute() { for copy in copies { copy.distribute() } }

  /// The runs as the kernels take them.
  var pointers: cs_parameters {
    // An optimizer without second moments never reads them.
    cs_parameters(
      weights: weights.pointer, gradient: gradient.pointer, first: moments[0].pointer,
      second: moments.count > 1 ? moments[1].pointer : moments[0].pointer)
  }

  /// Determines which weights each layer stores, from the output backwards: a hidden unit of a sparse layer is live if a live unit reads
  /// it, or if its weights would change all the same.
  private static func weights(
    _ chain: FullyConnectedChain, keep: (ParameterName) throws -> [Bool]?, isSparse: (Double) -> Bool,
    atRest: (String) throws -> Set<Int>
  ) throws -> [Layer.Weights] {
    var rows = Array(0..<(chain.layers.last?.linear.outputs ?? 0))
    var stored: [Layer.Weights] = []
    for (index, layer) in chain.layers.enumerated().reversed() {
      let (inputs, outputs) = (layer.linear.inputs, layer.linear.outputs)
      let kept = try keep(ParameterName(layer.module, .weight))
      guard isSparse(Double(kept?.count(where: \.self) ?? inputs * outputs) / Double(inputs * outputs)) else {
        stored.append(.dense(DenseMatrix(width: inputs, height: outputs, mask: kept)))
        // It reads all its inputs.
        rows = Array(0..<inputs)
        continue
      }
      let heard = SparseStructure(keep: kept, width: inputs, rows: rows, columns: nil)
      guard index > 0 else {
        stored.append(.sparse(heard))
        break
      }
      let silent = Set(0..<inputs).subtracting(heard.columns)
      let skipped = try silent.isEmpty ? [] : silent.intersection(atRest(chain.layers[index - 1].module))
      let live = (0..<inputs).filter { !skipped.contains($0) }
      stored.append(
        .sparse(live == heard.columns ? heard : SparseStructure(keep: kept, width: inputs, rows: rows, columns: live)))
      rows = live
    }
    return stored.reversed()
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

extension PackedParameters.Layer.Weights {
  /// Number of stored values.
  var count: Int {
    switch self {
    case .dense(let matrix): matrix.count
    case .sparse(let structure): structure.count
    }
  }

  /// Indices of the outputs that are computed.
  var rows: [Int] {
    switch self {
    case .dense(let matrix): Array(0..<matrix.height)
    case .sparse(let structure): structure.rows
    }
  }

  /// Returns the parts of the rows that a team's threads compute.
  func rowShares(_ team: WorkerTeam) -> Block<cs_share> {
    switch self {
    // The kernels' tiles have 6 rows.
    case .dense(let matrix): team.shares(Array(repeating: 1, count: matrix.height), alignment: 6)
    case .sparse(let structure): team.shares(structure.rowCosts)
    }
  }

  /// Returns the parts of the columns whose gradients a team's threads compute.
  func columnShares(_ team: WorkerTeam) -> Block<cs_share> {
    switch self {
    case .dense(let matrix): team.shares(Array(repeating: 1, count: matrix.width), alignment: 6)
    case .sparse(let structure): team.shares(structure.columnCosts)
    }
  }
}
