import CSparse
import Foundation
import TestSupport
import Testing

func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }

@Suite struct FormTests {
  @Test func everyMachineHasAForm() throws {
    #expect(!forms.isEmpty)
    #expect(cs_kernels_of_form(-1) == nil && cs_kernels_of_form(Int32(CS_FORM_COUNT)) == nil)
    let names = try forms.map { String(cString: try #require(cs_kernels_of_form($0)).pointee.name) }
    #expect(Set(names).isSubset(of: ["portable", "neon", "avx2", "avx512"]) && Set(names).count == names.count)
  }

  /// All that the kernels of a form make of one random layer.
  private func bits(_ form: Int32, seed: UInt64) throws -> [UInt32] {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: seed)
    let layer = Layer(rows: 11, columns: 150, density: 0.3, blockWidth: 64, random: &random)
    let x = Floats(random.panel(150)), y = Floats(random.panel(11)), dy = Floats(random.panel(11)), dx = Floats(random.panel(150))
    let values = Floats(layer.values), gradient = Floats(layer.values), bias = Floats((0..<11).map { _ in random.unit() })
    let first = Floats(layer.values), second = Floats(layer.values.map(abs))
    let rows = layer.liveRows.map(UInt16.init)
    let outcome = withUnsafePointer(to: layer.structure) { structure in
      kernels.forward(structure, values.pointer, bias.pointer, x.pointer, y.pointer, 0)
      let outcome = kernels.cross_entropy(y.pointer, 11, (0..<50).map { $0 % 11 }, 50, 0.1, 0.02, dy.pointer)
      kernels.weight_gradient(structure, dy.pointer, x.pointer, gradient.pointer, 1)
      kernels.bias_gradient(rows, UInt32(rows.count), dy.pointer, bias.pointer, 0)
      kernels.input_gradient(structure, values.pointer, dy.pointer, x.pointer, dx.pointer)
      return outcome
    }
    var adam = cs_adam_options(learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1, decoupled: 1, step: 3)
    kernels.adam(values.pointer, gradient.pointer, first.pointer, second.pointer, values.count, &adam)
    var sgd = cs_sgd_options(learning_rate: 0.01, momentum: 0.9, weight_decay: 0.1, nesterov: 1)
    kernels.sgd(values.pointer, gradient.pointer, first.pointer, values.count, &sgd)
    let numbers = [y, dy, gradient, bias, dx, values, first, second].flatMap { $0.values } + [Float(outcome.loss)]
    return numbers.map(\.bitPattern)
  }

  @Test(arguments: KernelTests.seeds) func formsWithFusedProductsGiveTheSameBits(seed: UInt64) throws {
    let fused = forms.filter { $0 != Int32(CS_PORTABLE) }
    let all = try fused.map { try bits($0, seed: seed) }
    #expect(all.allSatisfy { $0 == all.first }, "seed \(seed)")
  }

  @Test func denormalsAreFlushedUntilRestored() {
    let tiny = Floats([.leastNormalMagnitude / 4, 0.5])
    let before = cs_denormals_flush()
    tiny.pointer[1] = tiny.pointer[0] * 0.5
    #expect(tiny.pointer[1] == 0)
    cs_denormals_restore(before)
  }

  @Test func collectedAndDistributed() {
    let dense = Floats([1, 2, 3, 4]), values = Floats([0, 0])
    cs_collect(dense.pointer, [3, 1], 2, values.pointer)
    #expect(values.values == [4, 2])
    values.pointer[0] = 9
    cs_distribute(values.pointer, [3, 1], 2, dense.pointer)
    #expect(dense.values == [1, 2, 3, 9])
  }
}
