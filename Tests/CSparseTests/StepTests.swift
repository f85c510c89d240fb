import CSparse
import TestSupport
import Testing

/// The optimizers' steps against their formulas in double precision.
@Suite struct StepTests {
  /// 37 elements: two whole vectors and a rest.
  private func taken(_ form: Int32, _ step: cs_step, times: Int) throws -> (state: [[Float]], start: [[Double]], gradient: [Double]) {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: 9)
    let start = [(0..<37).map { _ in random.unit() }, (0..<37).map { _ in random.unit() }, (0..<37).map { _ in abs(random.unit()) }]
    let held = start.map(Floats.init), gradient = Floats((0..<37).map { _ in random.unit() })
    var step = step
    let parameters = cs_parameters(
      weights: held[0].pointer, gradient: gradient.pointer, first: held[1].pointer, second: held[2].pointer)
    for _ in 0..<times { kernels.take(&step, parameters, 0, 37) }
    return (held.map(\.values), start.map { $0.map(Double.init) }, gradient.values.map(Double.init))
  }

  @Test(arguments: forms, [(0.0, false), (0.1, false), (0.1, true)]) func adam(form: Int32, _ decay: (Double, Bool)) throws {
    let (rate, lambda) = (0.01, decay.0)
    let (state, start, g) = try taken(form, cs_step_adam(rate, 0.9, 0.99, 1e-8, lambda, decay.1 ? 1 : 0, 3), times: 1)
    let expected = (0..<37).map { i -> [Double] in
      let w = decay.1 ? start[0][i] * (1 - rate * lambda) : start[0][i]
      let gradient = decay.1 ? g[i] : g[i] + lambda * w
      let (m, v) = (0.9 * start[1][i] + 0.1 * gradient, 0.99 * start[2][i] + 0.01 * gradient * gradient)
      // 1 − 0.9³ and 1 − 0.99³.
      return [w - rate * (m / 0.271) / ((v / 0.029701).squareRoot() + 1e-8), m, v]
    }
    for k in 0..<3 { expectClose(state[k], expected.map { $0[k] }, "\(k)", tolerance: 3e-7) }
  }

  @Test(arguments: forms, [false, true]) func sgd(form: Int32, nesterov: Bool) throws {
    let (state, start, g) = try taken(form, cs_step_sgd(0.1, 0.9, 0.01, nesterov ? 1 : 0), times: 2)
    let expected = (0..<37).map { i -> [Double] in
      var (w, v) = (start[0][i], start[1][i])
      for _ in 0..<2 {
        let gradient = g[i] + 0.01 * w
        v = 0.9 * v + gradient
        w -= 0.1 * (nesterov ? gradient + 0.9 * v : v)
      }
      return [w, v]
    }
    for k in 0..<2 { expectClose(state[k], expected.map { $0[k] }, "\(k)", tolerance: 3e-7) }
  }

  @Test(arguments: forms) func storedGradientsMoveNothing(form: Int32) throws {
    let (state, start, _) = try taken(form, cs_step(kind: Int32(CS_STORE)), times: 1)
    #expect(state.map { $0.map(Double.init) } == start)
  }
}
