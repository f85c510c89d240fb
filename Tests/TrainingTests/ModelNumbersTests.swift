import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// Tensors that hold what is no number are named wherever they are read, whether anything looks at them or not.
@Suite struct ModelNumbersTests {
  /// A sound file with one element of one tensor replaced.
  private func archive(_ name: String, _ value: Float, in folder: String, bare: Bool) throws -> String {
    let path = folder + "/file"
    try exampleModelFile().write(to: path)
    var archive = try TensorArchive(contentsOf: path)
    let tensor = try #require(archive.tensors[name])
    var elements = try tensor.array(Float.self)
    // A mask must not hide it from the check of pruned elements.
    let isMasked = archive.metadata["masked"]?.contains(name) ?? false
    let place = isMasked ? elements.firstIndex { $0 != 0 } ?? 0 : elements.count - 1
    elements[place] = value
    archive.tensors[name] = try Tensor(elements, shape: tensor.shape)
    if bare { archive.metadata = [:] }
    try archive.write(to: path)
    return path
  }

  @Test(arguments: [
    ("features.0.weight", 18), ("features.0.bias", 2), ("features.1.weight", 2), ("features.1.bias", 2), ("features.1.running_mean", 2),
    ("features.1.running_var", 2), ("classifier.weight", 96), ("classifier.bias", 3),
  ])
  func everyTensorIsLookedAt(name: String, count: Int) throws {
    for value in [Float.nan, .infinity, -.infinity] {
      try withTemporaryDirectory { folder throws in
        let words = "cannot read \(folder)/file: 1 of the \(count) elements of \(name) is NaN or infinite"
        let path = try archive(name, value, in: folder, bare: false)
        #expect { try ModelFile(contentsOf: path) } throws: { "\($0)" == words }
        let network = try exampleModelFile().model.network
        let weights = try archive(name, value, in: folder, bare: true)
        #expect { try Model.load(weights: weights, into: network) } throws: { "\($0)" == words }
      }
    }
  }

  @Test func largeNumbersAreNumbers() throws {
    try withTemporaryDirectory { folder throws in
      let path = try archive("classifier.bias", .greatestFiniteMagnitude, in: folder, bare: false)
      _ = try ModelFile(contentsOf: path)
    }
    // What float32 cannot hold becomes infinite.
    try withTemporaryDirectory { folder throws in
      let path = try archive("classifier.bias", 1, in: folder, bare: true)
      var archive = try TensorArchive(contentsOf: path)
      archive.tensors["classifier.bias"] = try Tensor([1, 2, 1e300] as [Double])
      try archive.write(to: path)
      let network = try exampleModelFile().model.network
      #expect { try Model.load(weights: path, into: network) } throws: {
        "\($0)" == "cannot read \(path): 1 of the 3 elements of classifier.bias is NaN or infinite"
      }
    }
  }

  @Test func aVarianceIsNotNegative() throws {
    try withTemporaryDirectory { folder throws in
      let path = try archive("features.1.running_var", -0.25, in: folder, bare: false)
      #expect { try ModelFile(contentsOf: path) } throws: {
        "\($0)" == "cannot read \(path): 1 of the 2 variances in features.1.running_var is negative"
      }
      _ = try ModelFile(contentsOf: archive("features.1.running_var", 0, in: folder, bare: false))
      _ = try ModelFile(contentsOf: archive("features.1.running_mean", -1, in: folder, bare: false))
    }
  }

  @Test func neitherIsOneWrittenNorACheckpointRead() throws {
    try withTemporaryDirectory { folder throws in
      var file = try exampleModelFile()
      let name = ParameterName("features.0", .bias)
      file.model.tensors[name] = try Tensor([1, .nan] as [Float])
      let words = "1 of the 2 elements of features.0.bias is NaN or infinite"
      #expect(throws: ModelFileError.writing(path: folder + "/a", problem: words)) { try file.write(to: folder + "/a") }
      #expect(!FileManager.default.fileExists(atPath: folder + "/a"))
      try Checkpoint(model: file.model, training: nil, progress: "").write(to: folder + "/c")
      #expect(throws: ModelFileError.reading(path: folder + "/c", problem: words)) { try Checkpoint(contentsOf: folder + "/c") }
    }
  }
}
