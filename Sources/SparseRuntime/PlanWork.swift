extension Plan {
  /// What a step computes for one example.
  public struct Work: Hashable, Sendable {
    /// Products of a weight that is not 0 and a value.
    public var products: Int
    /// Bytes of the weights as they are stored, places included.
    public var weightBytes: Int
    /// Bytes of the values that are read and written.
    public var valueBytes: Int
  }

  /// Returns the multiplications of a step for one example, those by stored zeros included; 0 for all but layers and attention.
  func multiplications(of step: PlanStep) -> Double {
    if case .attention(let attention) = step {
      let span = span(of: attention)
      let pairs = Double(attention.windows * attention.heads) * Double(span.queries) * Double(span.keys)
      return pairs * Double(attention.keyWidth + attention.valueWidth)
    }
    guard case .layer(let layer) = step else { return 0 }
    let pixels = Double(maps[layer.y].height * maps[layer.y].width)
    switch layer.weights {
    case .sparse(let filters): return Double(filters.values.count) * pixels
    case .dense(let matrix): return Double(matrix.values.count) * pixels
    case .blocks(let blocks): return Double(blocks.values.count) * pixels
    }
  }

  /// Returns what a step of this plan computes for one example, its input and output counted once each.
  public func work(of step: PlanStep) -> Work {
    let values = (step.inputs + [step.output]).reduce(0) { $0 + maps[$1].channels * maps[$1].height * maps[$1].width }
    var work = Work(products: 0, weightBytes: 0, valueBytes: 4 * values)
    guard case .layer(let layer) = step else { return work }
    let pixels = maps[layer.y].height * maps[layer.y].width
    switch layer.weights {
    case .sparse(let filters):
      work.products = storage.array(filters.values).count { $0 != 0 } * pixels
      work.weightBytes = 6 * filters.values.count + 4 * (filters.starts.count + filters.bases.count)
    case .dense(let matrix):
      work.products = storage.array(matrix.values).count { $0 != 0 } * pixels
      work.weightBytes = 4 * matrix.values.count
    case .blocks(let blocks):
      work.products = storage.array(blocks.values).count { $0 != 0 } * pixels
      work.weightBytes = blocks.bytes
    }
    return work
  }
}

extension PlanStep {
  /// What the step's kernel is called in tables, e.g. `dense` or `pool`.
  public var kernelName: String {
    switch self {
    case .layer(let layer):
      switch layer.weights {
      case .dense: "dense"
      case .sparse: "sparse"
      case .blocks: "blocks"
      }
    case .pool(let pool): pool.isMean ? "mean pool" : "max pool"
    case .function(let function): "\(function.kind)"
    case .pair(let pair): "\(pair.kind)"
    case .norm(let norm): norm.kind == .softmax ? "softmax" : "norm"
    case .resample: "resample"
    case .offset: "offset"
    case .attention: "attention"
    case .interleave: "interleave"
    case .copy: "copy"
    }
  }
}
