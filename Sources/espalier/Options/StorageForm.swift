internal import ArgumentParser
internal import SparseRuntime

/// What `--storage` takes: how a plan's weights lie in its file.
enum StorageForm: String, CaseIterable, ExpressibleByArgument {
  case float32, compact, float16, int8

  var weights: WeightForm {
    switch self {
    case .float32: .float32
    case .compact: .compact
    case .float16: .float16
    case .int8: .int8
    }
  }
}
