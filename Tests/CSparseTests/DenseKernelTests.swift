import CSparse
import TestSupport
import Testing

/// The kernels of dense layers in each form against loops in double precision.
@Suite struct DenseKernelTests {
  /// Sizes that meet whole and partial tiles, several blocks of inputs (512) and of rows (64), and partial vectors.
  static let sizes = [(1, 1), (5, 16), (6, 64), (7, 70), (13, 129), (70, 33), (3, 1030)]

  private func matrix(_ size: (Int, Int), seed: UInt64, _ random: inout RandomStream) -> Matrix {
    Matrix(rows: size.0, columns: size.1, keeps: seed % 2 == 0 ? 1 : 0.6, random: &random)
  }

  @Test(arguments: forms, [1, 2] as [UInt64]) func products(form: Int32, seed: UInt64) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    for size in Self.sizes {
      var random = RandomStream(seed: seed)
      let matrix = matrix(size, seed: seed, &random)
      let (rows, columns, w) = (matrix.rows, matrix.columns, matrix.values)
      let x = Floats(random.panel(columns, panels: 2)), dy = Floats(random.panel(rows, panels: 2)), weights = Floats(w)
      let bias = Floats((0..<rows).map { _ in random.unit() })
      let (input, delta, constant) = (x.values, dy.values, bias.values)
      for (hasBias, relu) in [(true, true), (false, false)] {
        let y = Floats(Array(repeating: 7, count: 2 * rows * panel))
        withUnsafePointer(to: matrix.layout) { layout in
          for share in shares(rows) {
            kernels.dense_forward(
              layout, weights.pointer, hasBias ? UnsafePointer(bias.pointer) : nil, x.panels(columns), y.panels(rows), share, relu ? 1 : 0)
          }
        }
        expectClose(
          y.values,
          (0..<2 * rows * panel).map { i in
            let (p, row, e) = (i / panel / rows, i / panel % rows, i % panel)
            let sum = (0..<columns).reduce(hasBias ? Double(constant[row]) : 0) {
              $0 + Double(w[row * matrix.stride + $1]) * Double(input[(p * columns + $1) * panel + e])
            }
            return relu ? max(sum, 0) : sum
          }, "\(size)")
      }
      for masked in [false, true] {
        let dx = Floats(Array(repeating: 7, count: 2 * columns * panel))
        withUnsafePointer(to: matrix.layout) { layout in
          for share in shares(columns) {
            kernels.dense_input_gradient(
              layout, weights.pointer, dy.panels(rows), masked ? UnsafePointer(x.pointer) : nil, dx.panels(columns), share)
          }
        }
        expectClose(
          dx.values,
          (0..<2 * columns * panel).map { i in
            if masked, input[i] <= 0 { return 0 }
            let (p, column, e) = (i / panel / columns, i / panel % columns, i % panel)
            return (0..<rows).reduce(0) {
              $0 + Double(w[$1 * matrix.stride + column]) * Double(delta[(p * rows + $1) * panel + e])
            }
          }, "input, \(size)")
      }
    }
  }

  /// The gradient of kept weights; pruned ones get none, and nothing is written beyond the columns but 0.
  @Test(arguments: forms, [1, 60, 64, 100]) func gradients(form: Int32, examples: Int) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    for (seed, size) in zip((1 as UInt64)..., Self.sizes) {
      var random = RandomStream(seed: seed)
      let matrix = matrix(size, seed: seed, &random)
      let (rows, columns, stride) = (matrix.rows, matrix.columns, matrix.stride)
      let dy = Floats(random.panel(rows, panels: 2))
      let x = Floats(random.panel(columns, panels: 2))
      let scratch = Floats(Array(repeating: 7, count: 2 * panel * panel))
      let gradient = Floats(Array(repeating: 0, count: rows * stride))
      var step = cs_step(kind: Int32(CS_STORE))
      withUnsafePointer(to: matrix.layout) { layout in
        for share in shares(rows) {
          let panels = (examples + panel - 1) / panel
          kernels.dense_update(
            layout, dy.panels(rows, panels), x.panels(columns, panels), UInt32(examples), share, &step, gradient.asGradient,
            scratch.pointer, nil)
        }
      }
      let (input, delta) = (x.values, dy.values)
      let expected = (0..<rows * stride).map { i -> Double in
        let (row, column) = (i / stride, i % stride)
        guard column < columns, seed % 2 == 0 || matrix.isKept[i] else { return 0 }
        return (0..<examples).reduce(0) {
          $0 + Double(delta[($1 / panel * rows + row) * panel + $1 % panel])
            * Double(input[($1 / panel * columns + column) * panel + $1 % panel])
        }
      }
      expectClose(gradient.values, expected, "\(size)")
      #expect(zip(gradient.values, expected).allSatisfy { $1 != 0 || $0 == 0 }, "\(size)")
    }
  }

  /// Sums of gradient·weight by column, for every six rows, by the weights before the step; whoever computes which rows.
  @Test(arguments: forms) func reach(form: Int32) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: 8)
    let (rows, columns, examples) = (16, 133, 70)
    let matrix = Matrix(rows: rows, columns: columns, keeps: 0.8, random: &random)
    let dy = Floats(random.panel(rows, count: 64) + random.panel(rows, count: 6)), x = Floats(random.panel(columns, panels: 2))
    let scratch = Floats(Array(repeating: 7, count: 2 * panel * panel))
    func reached(_ shares: [cs_share]) -> [Float] {
      let weights = Floats(matrix.values), velocity = Floats(Array(repeating: 0, count: matrix.values.count))
      let reach = Floats(Array(repeating: 5, count: 3 * matrix.stride))
      let own = cs_parameters(weights: weights.pointer, gradient: weights.pointer, first: velocity.pointer, second: velocity.pointer)
      var step = cs_step_sgd(0.1, 0.9, 0, 0)
      withUnsafePointer(to: matrix.layout) { layout in
        for share in shares {
          kernels.dense_update(
            layout, dy.panels(rows, 2), x.panels(columns, 2), UInt32(examples), share, &step, own, scratch.pointer, reach.pointer)
        }
      }
      return reach.values
    }
    let found = reached([cs_share(from: 0, to: 16)])
    let (delta, input) = (dy.values, x.values)
    let expected = (0..<3 * matrix.stride).map { i -> Double in
      let (tile, column) = (i / matrix.stride, i % matrix.stride)
      guard column < columns else { return 0 }
      return (tile * 6..<min(tile * 6 + 6, rows)).reduce(0.0) { sum, row in
        guard matrix.isKept[row * matrix.stride + column] else { return sum }
        let gradient = (0..<examples).reduce(0.0) { sum, e in
          let (p, lane) = (e / panel, e % panel)
          return sum + Double(delta[(p * rows + row) * panel + lane]) * Double(input[(p * columns + column) * panel + lane])
        }
        return sum + gradient * Double(matrix.values[row * matrix.stride + column])
      }
    }
    let used = found.indices.filter { $0 % matrix.stride < columns }
    expectClose(used.map { found[$0] }, used.map { expected[$0] }, "reach")
    #expect(reached([cs_share(from: 6, to: 16), cs_share(from: 0, to: 6)]) == found)
  }

  @Test(arguments: forms) func scaledRows(form: Int32) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: 4)
    let x = Floats(random.panel(5, panels: 2)), factors = Floats([2, 0, -1, 0.5, 3])
    let before = x.values
    kernels.scale(x.panels(5), factors.pointer, cs_share(from: 1, to: 4))
    #expect(x.values == before.enumerated().map { i, value in value * [1, 0, -1, 0.5, 1][i / panel % 5] })
  }

  /// A dense layer and a sparse one that keeps the same weights compute the same bits.
  @Test(arguments: forms) func denseEqualsSparse(form: Int32) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: 3)
    let layer = Layer(rows: 12, columns: 133, density: 0.4, blockWidth: 50, random: &random)
    let stride = 144
    let weights = Floats((0..<12 * stride).map { $0 % stride < 133 ? layer.dense[$0 / stride * 133 + $0 % stride] ?? 0 : 0 })
    let layout = cs_matrix(row_count: 12, column_count: 133, stride: UInt32(stride), keep: nil)
    let values = Floats(layer.values), bias = Floats((0..<12).map { _ in random.unit() })
    let x = Floats(random.panel(133)), dy = Floats(random.panel(12).enumerated().map { layer.liveRows.contains($0 / panel) ? $1 : 0 })
    let outputs = (0..<2).map { _ in Floats(Array(repeating: 0, count: 12 * panel)) }
    let inputs = (0..<2).map { _ in Floats(Array(repeating: 0, count: 133 * panel)) }
    let (rows, columns) = (cs_share(from: 0, to: UInt32(layer.liveRows.count)), cs_share(from: 0, to: UInt32(layer.liveColumns.count)))
    withUnsafePointer(to: layer.structure) {
      kernels.forward($0, values.pointer, bias.pointer, x.panels(133), outputs[0].panels(12), rows, 1)
      kernels.input_gradient($0, values.pointer, dy.panels(12), x.pointer, inputs[0].panels(133), columns)
    }
    withUnsafePointer(to: layout) {
      kernels.dense_forward($0, weights.pointer, bias.pointer, x.panels(133), outputs[1].panels(12), cs_share(from: 0, to: 12), 1)
      kernels.dense_input_gradient($0, weights.pointer, dy.panels(12), x.pointer, inputs[1].panels(133), cs_share(from: 0, to: 133))
    }
    let (y, z, dx, dz) = (outputs[0].values, outputs[1].values, inputs[0].values, inputs[1].values)
    #expect(layer.liveRows.allSatisfy { y[$0 * panel..<($0 + 1) * panel] == z[$0 * panel..<($0 + 1) * panel] })
    #expect(layer.liveColumns.allSatisfy { dx[$0 * panel..<($0 + 1) * panel] == dz[$0 * panel..<($0 + 1) * panel] })
    #expect(y.contains { $0 > 0 } && dx.contains { $0 != 0 })
  }

  /// Groups of 16 inputs, the last one smaller; each input with a scale and an offset of its own.
  @Test(arguments: forms, [1, 17, 60, 64]) func gathered(form: Int32, count: Int) throws {
    let kernels = try #require(cs_kernels_of_form(form)).pointee
    var random = RandomStream(seed: 5)
    let images = (0..<100 * 42).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    // Exact in float32, so that fused and unfused sums agree.
    let scale = Floats((0..<48).map { Float(1 + $0 % 3) / 4 }), offset = Floats((0..<48).map { Float($0) - 8 })
    let positions = (0..<count).map { _ in Int64(random.next() % 100) } + [99]
    func value(_ e: Int, _ input: Int) -> Float {
      e < count ? scale.values[input] * Float(images[Int(positions[e]) * 42 + input]) + offset.values[input] : 0
    }
    for groups in [[0, 1, 2], [0, 2], [2], []] as [[UInt16]] {
      let out = Floats(Array(repeating: 7, count: 42 * panel))
      images.withUnsafeBufferPointer { bytes in
        guard let first = bytes.baseAddress else { return }
        var stored = cs_images(bytes: first, floats: nil, size: 42, scale: scale.pointer, offset: offset.pointer)
        kernels.gather(&stored, positions, UInt32(count), groups, UInt32(groups.count), out.pointer)
      }
      for input in 0..<42 {
        for e in 0..<panel {
          #expect(out.values[input * panel + e] == (groups.contains(UInt16(input / 16)) ? value(e, input) : 7))
        }
      }
      // The same examples as float values.
      let again = Floats(Array(repeating: 7, count: 42 * panel))
      images.map(Float.init).withUnsafeBufferPointer { floats in
        var stored = cs_images(bytes: nil, floats: floats.baseAddress, size: 42, scale: scale.pointer, offset: offset.pointer)
        kernels.gather(&stored, positions, UInt32(count), groups, UInt32(groups.count), again.pointer)
      }
      #expect(again.values == out.values)
    }
  }
}
