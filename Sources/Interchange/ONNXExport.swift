public import Foundation
public import Networks
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
  /// The most bytes of a file, which is Protocol Buffers' limit.
  public static let mostBytes = 1 << 31 - 1
  private let model: ONNXModelProto

  /// How numbers are stored and computed.
  public struct Form: Hashable, Sendable {
    /// Whether parameters and values are float16, except in norms of groups and positions; inputs and outputs of the network stay float32.
    public var isFloat16: Bool
    /// Whether weights that are mostly 0 are stored as the others and their positions (`sparse_initializer`), where that takes fewer bytes.
    public var isSparse: Bool

    /// Creates a form; float32 and dense unless told.
    public init(isFloat16: Bool = false, isSparse: Bool = false) { (self.isFloat16, self.isSparse) = (isFloat16, isSparse) }

    /// The type of elements, with the format's number.
    var element: Int32 { isFloat16 ? 10 : 1 }
  }

  /// Translates a model.
  ///
  /// - Parameters:
  ///   - writer: who writes, e.g. `Espalier` and its version.
  ///   - metadata: texts that go along: classes, preprocessing.
  ///   - origin: the ONNX file that the model came from, whose names and axes of inputs and outputs, description and other texts are kept;
  ///     who wrote it stands under `origin` in the metadata.
  ///   - form: how numbers are stored.
  /// - Throws: what `Network.shapes()` throws, and ``ONNXExportError`` for what ONNX has no operation for, and for numbers that float16 has
  ///   not.
  public init(
    _ model: Model, writer: (name: String, version: String), metadata: [String: String] = [:], origin: ONNXOrigin? = nil,
    form: Form = Form()
  ) throws {
    var graph = try GraphWriter(model.network, model, form, origin)
    try graph.write()
    var metadata = metadata.merging(origin?.metadata ?? [:]) { own, _ in own }
    if let origin {
      graph.rename(like: origin)
      if !origin.producer.isEmpty, metadata["origin"] == nil { metadata["origin"] = origin.producer }
    }
    self.model = .with {
      $0.irVersion = 8
      $0.producerName = writer.name
      $0.producerVersion = writer.version
      $0.docString = origin?.documentation ?? ""
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

  /// Checks that a network can be written, whatever its parameters are.
  ///
  /// - Throws: what ``init(_:writer:metadata:origin:form:)`` and ``data()`` would throw.
  public static func check(_ network: Network) throws {
    var graph = try GraphWriter(network, nil, Form())
    try graph.write()
    guard try network.cost().bytes < mostBytes else { throw tooLarge }
  }

  private static let tooLarge = ONNXExportError("the model is too large for one ONNX file, which holds 2 GB")

  /// The bytes of the file; the same model gives the same bytes.
  ///
  /// - Throws: ``ONNXExportError`` for a model of more than 2 GB, which a single file cannot hold.
  public func data() throws -> Data {
    do { return try model.serializedData() } catch { throw Self.tooLarge }
  }
}

/// The error of a network that cannot be written as an ONNX graph.
public struct ONNXExportError: Error, CustomStringConvertible, Hashable {
  /// What cannot be written, in one line.
  public let description: String

  init(_ description: String) { self.description = description }
}
