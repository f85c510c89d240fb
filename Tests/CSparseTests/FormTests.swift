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
    let matrix = Matrix(rows: 11, columns: 150, keeps: 0.7, random: &random)
    let weights = Floats(matrix.values), scratch = Floats(Array(repeating: 0, count: panel * panel)), out = Floats(random.panel(11))
    let back = Floats(random.panel(150)), reach = Floats(Array(repeating: 0, count: 2 * matrix.stride)), scaled = Floats(random.panel(150))
    let factors = Floats(random.panel(150))
    var adam = cs_step_adam(0.01, 0.9, 0.999, 1e-8, 0.1, 1, 3), sgd = cs_step_sgd(0.01, 0.9, 0.1, 1)
    func parameters(_ weights: Floats, _ first: Floats, _ second: Floats) -> cs_parameters {
      cs_parameters(weights: weights.pointer, gradient: gradient.pointer, first: first.pointer, second: second.pointer)
    }
    let (all, everyColumn) = (cs_share(from: 0, to: UInt32(rows.count)), cs_share(from: 0, to: UInt32(layer.liveColumns.count)))
    let (dense, denseColumns) = (cs_share(from: 0, to: 11), cs_share(from: 0, to: 150))
    let velocity = Floats(matrix.values), square = Floats(matrix.values.map(abs))
    let outcome = withUnsafePointer(to: layer.structure) { structure in
      kernels.forward(structure, values.pointer, bias.pointer, x.panels(150), y.panels(11), all, 0)
      let outcome = kernels.cross_entropy(y.pointer, 11, (0..<50).map { $0 % 11 }, 50, 0.1, 0.02, dy.pointer)
      kernels.update(structure, dy.panels(11), x.panels(150), all, &adam, parameters(values, first, second))
      kernels.update(structure, dy.panels(11), x.panels(150), all, &sgd, parameters(values, first, second))
      kernels.bias_update(rows, all, dy.panels(11), &sgd, parameters(bias, y, y))
      kernels.input_gradient(structure, values.pointer, dy.panels(11), x.pointer, dx.panels(150), everyColumn)
      return outcome
    }
    withUnsafePointer(to: matrix.layout) { layout in
      kernels.dense_forward(layout, weights.pointer, bias.pointer, x.panels(150), out.panels(11), dense, 1)
      kernels.dense_input_gradient(layout, weights.pointer, dy.panels(11), x.pointer, back.panels(150), denseColumns)
      kernels.dense_update(
        layout, dy.panels(11), x.panels(150), 50, dense, &adam, parameters(weights, velocity, square), scratch.pointer,
        reach.pointer)
      kernels.dense_update(
        layout, dy.panels(11), x.panels(150), 50, dense, &sgd, parameters(weights, velocity, square), scratch.pointer,
        reach.pointer)
    }
    kernels.scale(scaled.panels(150), factors.pointer, denseColumns)
    let held = [y, dy, gradient, bias, dx, values, first, second, weights, out, back, velocity, square, reach, scaled]
    let numbers = held.flatMap { $0.values } + [Float(outcome.loss)]
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
