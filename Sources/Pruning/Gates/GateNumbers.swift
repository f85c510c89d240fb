/// The numbers of all gates, each kind at a fixed address: loops over them are a part of every step.
final class GateNumbers {
  typealias Numbers = UnsafeMutableBufferPointer<Float>

  /// ln α and Adam's moments of it.
  let logAlpha, first, second: Numbers
  /// Of the step in progress: gate z, slope dz/d(ln α), gradient ∂L/∂z, probability of being open, derivative of the cost by it.
  let gate, slope, gradient, openness, price: Numbers

  init(logAlphas: [Float]) {
    func numbers() -> Numbers {
      let numbers = Numbers.allocate(capacity: max(logAlphas.count, 1))
      numbers.initialize(repeating: 0)
      return Numbers(rebasing: numbers[..<logAlphas.count])
    }
    (logAlpha, first, second) = (numbers(), numbers(), numbers())
    (gate, slope, gradient, openness, price) = (numbers(), numbers(), numbers(), numbers(), numbers())
    _ = logAlpha.update(from: logAlphas)
  }

  deinit { for numbers in [logAlpha, first, second, gate, slope, gradient, openness, price] { numbers.deallocate() } }

  /// Draws all gates.
  func draw(_ noise: GateNoise) {
    var noise = noise
    let (logAlpha, gate, slope) = (logAlpha, gate, slope)
    for index in logAlpha.indices { (gate[index], slope[index]) = HardConcrete.sample(logAlpha[index], noise.next()) }
  }

  /// Computes the probabilities of being open.
  func open() {
    let (logAlpha, openness) = (logAlpha, openness)
    for index in logAlpha.indices { openness[index] = HardConcrete.openness(logAlpha[index]) }
  }

  /// Takes a step of Adam by the gradients of the loss and of share·λ·cost.
  ///
  /// - Parameters:
  ///   - size: learning rate over 1 − β₁ᵗ.
  ///   - root: 1/√(1 − β₂ᵗ).
  func step(lambdas: UnsafeBufferPointer<Float>, share: Float, size: Float, root: Float) {
    let (logAlpha, first, second) = (logAlpha, first, second)
    let (slope, gradient, openness, price) = (slope, gradient, openness, price)
    for index in logAlpha.indices {
      let p = openness[index]
      let g = gradient[index] * slope[index] + share * lambdas[index] * price[index] * p * (1 - p)
      first[index] = 0.9 * first[index] + 0.1 * g
      second[index] = 0.999 * second[index] + 0.001 * g * g
      logAlpha[index] -= size * first[index] / (second[index].squareRoot() * root + 1e-8)
    }
  }
}
