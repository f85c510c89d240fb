internal import Networks
internal import Results
internal import Torch
internal import Training

extension Model {
  /// Counts by pixel the weights of the first layer that are not 0; nil unless a linear layer reads the image, flattened at most and perhaps
  /// without some of its pixels.
  ///
  /// - Parameter shape: channels, height and width of the image; nil, or a vector, for what the network itself says.
  func inputReads(of shape: [Int]?) throws -> InputReads? {
    let index = NetworkIndex(network)
    guard let start = network.nodes.first(where: { if case .input = $0.operation { true } else { false } }),
      case .input(let input) = start.operation
    else { return nil }
    let dimensions = shape.flatMap { $0.count == 3 ? $0 : nil } ?? input.dimensions
    guard dimensions.count == 3, dimensions.reduce(1, *) == input.elements, dimensions[1] > 1 || dimensions[2] > 1 else { return nil }
    var (node, places) = (start, Array(0..<input.elements))
    while true {
      let readers = index.consumers(of: node.name)
      guard let reader = readers.first, readers.count == 1, reader.inputs.count == 1, !index.isShared(reader.module) else { return nil }
      switch reader.operation {
      case .flatten, .dropout: break
      case .indexSelect(let kept) where kept.allSatisfy(places.indices.contains): places = kept.map { places[$0] }
      case .linear(let layer) where layer.inputs == places.count:
        let isThere = try tensor(ParameterName(reader.module, .weight)).detached().notEqual(0).array(Bool.self)
        var elements = [Int](repeating: 0, count: input.elements)
        for (position, isThere) in isThere.enumerated() where isThere { elements[places[position % places.count]] += 1 }
        return InputReads(layer: reader.name, elements: elements, height: dimensions[1], width: dimensions[2])
      default: return nil
      }
      node = reader
    }
  }
}
