internal import Foundation
internal import Networks
internal import SparseRuntime
internal import Torch
internal import Training

/// An engine that a benchmark times: the sparse runtime, libtorch, or a peer in a process of its own.
protocol Contestant: AnyObject {
  /// Name of the engine in tables.
  var name: String { get }
  /// Version of the engine, or the form of its kernels.
  var version: String { get }
  /// Outputs for the benchmark's batch.
  var output: [Float] { get }
  /// Returns the seconds of so many passes over the batch, back to back.
  func seconds(of passes: Int) throws -> [Double]
}

/// The sparse runtime itself.
final class CompiledContestant: Contestant {
  let name = "espalier"
  var version: String { model.form.rawValue }
  private(set) var output: [Float]
  private let model: CompiledModel
  private let input: [Float]

  init(_ model: CompiledModel, _ input: [Float]) throws {
    (self.model, self.input) = (model, input)
    output = try model.run(input)
  }

  func seconds(of passes: Int) throws -> [Double] {
    let (clock, count) = (ContinuousClock(), input.count / model.plan.inputCount)
    return try input.withUnsafeBufferPointer { input in
      try output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return [] }
        return try (0..<passes).map { _ in
          try clock.measure { try model.run(source, count: count, into: target) } / .seconds(1)
        }
      }
    }
  }
}

/// The model itself on libtorch, all weights multiplied.
final class LibtorchContestant: Contestant {
  let name = "libtorch"
  let version = TorchRuntime.version
  let output: [Float]
  private let executor: Executor
  private let input: Tensor

  init(_ model: Model, _ input: [Float], batch: Int) throws {
    executor = try Executor(model)
    self.input = try Tensor(input, shape: [batch] + model.network.inputShape.dimensions)
    output = try withoutGradients { [executor, tensor = self.input] in try executor.forward(tensor).array(Float.self) }
  }

  func seconds(of passes: Int) throws -> [Double] {
    let clock = ContinuousClock()
    return try withoutGradients { try (0..<passes).map { _ in try clock.measure { _ = try executor.forward(input) } / .seconds(1) } }
  }
}
