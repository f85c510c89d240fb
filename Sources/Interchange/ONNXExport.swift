public import Foundation
internal import Networks
internal import SwiftProtobuf
internal import Torch
public import Training

/// A model as an ONNX file: opset 17, any batch size, weights under the names that PyTorch gives them.
///
/// It is the network as it computes in evaluation: dropout is left off, batch norms use their running statistics. Every value has the name of
/// its node. Runtimes need no operation of a domain of our own.
public struct ONNXExport {
  /// The version of the operations that is written.
  public static let opset = 17
  private let model: ONNXModelProto

  /// Translates a model.
  ///
  /// - Parameters:
  ///   - writer: who writes, e.g. `Espalier` and its version.
  ///   - metadata: texts that go along: classes, preprocessing.
  /// - Throws: what `Network.shapes()` throws, and ``ONNXExportError`` for what ONNX has no operation for.
  public init(_ model: Model, writer: (name: String, version: String), metadata: [String: String] = [:]) throws {
    var graph = try GraphWriter(model)
    try graph.write()
    self.model = .with {
      $0.irVersion = 8
      $0.producerName = writer.name
      $0.producerVersion = writer.version
      $0.opsetImport = [.with { $0.version = Int64(Self.opset) }]
      $0.graph = graph.graph
      $0.metadataProps = metadata.sorted { $0.key < $1.key }.map { entry in
        .with {
          $0.key = entry.key
          $0.value = entry.value
        }
      }
    }
  }

  /// The bytes of the file; the same model gives the same bytes.
  ///
  /// - Throws: ``ONNXExportError`` for a model of more than 2 GB, which a single file cannot hold.
  public func data() throws -> Data {
    do { return try model.serializedData() } catch { throw ONNXExportError("the model is too large for one ONNX file, which holds 2 GB") }
  }
}

/// The error of a network that cannot be written as an ONNX graph.
public struct ONNXExportError: Error, CustomStringConvertible, Hashable {
  /// What cannot be written, in one line.
  public let description: String

  init(_ description: String) { self.description = description }
}
