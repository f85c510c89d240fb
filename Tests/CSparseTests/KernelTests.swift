import CSparse
import TestSupport
import Testing

/// Each kernel in each form against loops in double precision.
@Suite struct KernelTests {
  static let seeds = Array(UInt64(1)...6)

  /// Sizes, densities and block widths that meet groups of 16, of 4 and single entries, empty and full rows.
  private func layer(_ random: inout RandomStream) -> Layer {
    let sizes = [(1, 1), (5, 9), (7, 40), (12, 133)]
    let (rows, columns) = sizes[Int(random.next() % 4)]
    return Layer(
      rows: rows, columns: columns, density: [0.05, 0.3, 0.9][Int(random.next() % 3)], blockWidth: [16, 50, 200][Int(random.next() % 3)],
      random: &random)
  }

  @Test(arguments: forms, seeds) func forward(form: Int32, seed: UInt64) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: seed)
    let layer = layer(&random)
    let x = Floats(random.panel(layer.columns, panels: 2)), values = Floats(layer.values)
    let bias = Floats((0..<layer.rows).map { _ in random.unit() })
    for (hasBias, relu) in [(true, true), (false, true), (true, false)] {
      let y = Floats(Array(repeating: 7, count: 2 * layer.rows * panel))
      withUnsafePointer(to: layer.structure) { structure in
        for share in shares(layer.liveRows.count) {
          kernels.forward(
            structure, values.pointer, hasBias ? UnsafePointer(bias.pointer) : nil, x.panels(layer.columns), y.panels(layer.rows), share,
            relu ? 1 : 0)
        }
      }
      let (input, constant) = (x.values, bias.values)
      let expected = (0..<2 * layer.rows * panel).map { i -> Double in
        let (p, row, e) = (i / panel / layer.rows, i / panel % layer.rows, i % panel)
        guard layer.liveRows.contains(row) else { return 7 }
        let sum = (0..<layer.columns).reduce(hasBias ? Double(constant[row]) : 0) {
          $0 + layer.weight(row, $1) * Double(input[(p * layer.columns + $1) * panel + e])
        }
        return relu ? max(sum, 0) : sum
      }
      expectClose(y.values, expected, "seed \(seed)")
    }
  }

  @Test(arguments: forms, seeds) func gradients(form: Int32, seed: UInt64) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: seed)
    let layer = layer(&random)
    let x = Floats(random.panel(layer.columns, panels: 2)), dy = Floats(random.panel(layer.rows, panels: 2)), values = Floats(layer.values)
    let (input, delta) = (x.values, dy.values)
    func product(_ row: Int, _ column: Int, _ panels: Int) -> Double {
      (0..<panels * panel).reduce(0) { sum, i in
        let (p, e) = (i / panel, i % panel)
        return sum + Double(delta[(p * layer.rows + row) * panel + e]) * Double(input[(p * layer.columns + column) * panel + e])
      }
    }
    for panels in [1, 2] {
      let gradient = Floats(Array(repeating: 0.5, count: layer.order.count))
      let bias = Floats(Array(repeating: 0.5, count: layer.rows))
      let rows = layer.liveRows.map(UInt16.init)
      var step = cs_step(kind: Int32(CS_STORE))
      withUnsafePointer(to: layer.structure) { structure in
        for share in shares(layer.liveRows.count) {
          kernels.update(
            structure, dy.panels(layer.rows, panels), x.panels(layer.columns, panels), share, &step, gradient.asGradient)
          kernels.bias_update(rows, share, dy.panels(layer.rows, panels), &step, bias.asGradient)
        }
      }
      expectClose(gradient.values, layer.order.map { product($0.row, $0.column, panels) }, "weights, seed \(seed)")
      expectClose(
        bias.values,
        (0..<layer.rows).map { row in
          guard layer.liveRows.contains(row) else { return 0.5 }
          return (0..<panels * panel).reduce(0) { $0 + Double(delta[($1 / panel * layer.rows + row) * panel + $1 % panel]) }
        }, "bias, seed \(seed)")
    }
    for masked in [false, true] {
      let dx = Floats(Array(repeating: 7, count: 2 * layer.columns * panel))
      withUnsafePointer(to: layer.structure) { structure in
        for share in shares(layer.liveColumns.count) {
          kernels.input_gradient(
            structure, values.pointer, dy.panels(layer.rows), masked ? UnsafePointer(x.pointer) : nil, dx.panels(layer.columns), share)
        }
      }
      let expected = (0..<2 * layer.columns * panel).map { i -> Double in
        let (p, column, e) = (i / panel / layer.columns, i / panel % layer.columns, i % panel)
        guard layer.liveColumns.contains(column) else { return 7 }
        if masked, input[i] <= 0 { return 0 }
        return layer.liveRows.reduce(0) { $0 + layer.weight($1, column) * Double(delta[(p * layer.rows + $1) * panel + e]) }
      }
      expectClose(dx.values, expected, "input, seed \(seed)")
    }
  }

  @Test(arguments: forms, [1, 16, 17, 60, 64]) func crossEntropy(form: Int32, count: Int) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    for (seed, smoothing) in zip(Self.seeds, [0, 0.1, 0, 0.3, 0.999, 0]) {
      var random = RandomStream(seed: seed)
      let classes = 1 + Int(random.next() % 12)
      let logits = Floats(random.panel(classes).map { $0 * 20 }), gradient = Floats(Array(repeating: 7, count: classes * panel))
      let labels = (0..<count).map { _ in Int64(random.next() % UInt64(classes)) }
      let z = logits.values
      let outcome = kernels.cross_entropy(logits.pointer, UInt32(classes), labels, UInt32(count), smoothing, 0.25, gradient.pointer)
      var (loss, correct) = (0.0, 0)
      var expected = Array(repeating: 0.0, count: classes * panel)
      for e in 0..<count {
        let own = (0..<classes).map { Double(z[$0 * panel + e]) }
        let largest = own.max() ?? 0
        let sum = own.reduce(0) { $0 + exponential($1 - largest) }
        for c in 0..<classes {
          let target = (Int64(c) == labels[e] ? 1 - smoothing : 0) + smoothing / Double(classes)
          loss += target * (logarithm(sum) + largest - own[c])
          expected[c * panel + e] = 0.25 * (exponential(own[c] - largest) / sum - target)
        }
        correct += own.firstIndex(of: largest) == Int(labels[e]) ? 1 : 0
      }
      #expect(abs(outcome.loss - loss) <= 1e-6 * max(loss, 1), "seed \(seed)")
      #expect(outcome.correct == UInt32(correct), "seed \(seed)")
      expectClose(gradient.values, expected, "seed \(seed)", tolerance: 3e-7)
      #expect((0..<classes).allSatisfy { c in (count..<panel).allSatisfy { gradient.values[c * panel + $0] == 0 } }, "seed \(seed)")
      let alone = kernels.cross_entropy(logits.pointer, UInt32(classes), labels, UInt32(count), smoothing, 0.25, nil)
      #expect(alone.loss == outcome.loss && alone.correct == outcome.correct)
    }
  }

  @Test(arguments: forms) func equalLogitsChooseTheFirst(form: Int32) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    let logits = Floats(Array(repeating: 3, count: 4 * panel))
    #expect(kernels.cross_entropy(logits.pointer, 4, [0, 1, 0], 3, 0, 1, nil).correct == 2)
  }

  @Test(arguments: forms) func aBrokenNumberShowsInTheLoss(form: Int32) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: 1)
    let layer = Layer(rows: 1, columns: 3, density: 1, blockWidth: 16, random: &random)
    let x = Floats(random.panel(3)), y = Floats(Array(repeating: 0, count: panel))
    let values = Floats(layer.values.map { _ in .nan })
    withUnsafePointer(to: layer.structure) {
      kernels.forward($0, values.pointer, nil, x.panels(3), y.panels(1), cs_share(from: 0, to: 1), 1)
    }
    #expect(y.values.allSatisfy { $0.isNaN })
    #expect(kernels.cross_entropy(y.pointer, 1, [0], 1, 0, 1, nil).loss.isNaN)
  }
}
