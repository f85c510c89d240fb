import Results
import Testing

@Suite struct NetworkComparisonTests {
  private func convolution(_ name: String, _ shape: [Int], nonZero: Int? = nil) -> LayerSummary {
    let weights = shape.reduce(1, *)
    return LayerSummary(
      name: name, operation: "convolution", weightShape: shape, outputShape: [shape[0], 32, 32], parameters: weights + shape[0],
      nonZeroWeights: nonZero ?? weights, macs: weights * 1024, isPrunable: true)
  }
  private let relu = LayerSummary(name: "relu1", operation: "activation", outputShape: [64, 32, 32])
  private var first: ModelSummary {
    ModelSummary(
      network: "small", layers: [convolution("conv1", [64, 3, 3, 3]), relu, convolution("conv2", [128, 64, 3, 3])], tensorBytes: 302_592,
      fileBytes: 303_000)
  }
  private var second: ModelSummary {
    var relu = relu
    relu.outputShape = [50, 32, 32]
    return ModelSummary(
      network: "small",
      layers: [
        convolution("conv1", [50, 3, 3, 3], nonZero: 1000), relu, convolution("extra", [50, 50, 1, 1]),
        convolution("conv2", [128, 50, 3, 3]),
      ],
      tensorBytes: 200_000)
  }

  @Test func layersSideBySide() {
    let comparison = NetworkComparison(first, second)
    #expect(comparison.rows.map(\.name) == ["conv1", "relu1", "extra", "conv2"])
    #expect(!comparison.isSameShape)
    #expect(
      comparison.text == """
        layer  outputs  weights                       parameters         non-zero                     MACs
        conv1  64 → 50  64×3×3×3 → 50×3×3×3        1,792 → 1,400    1,728 → 1,000    1,769,472 → 1,382,400
        extra  – → 50   – → 50×50×1×1                  – → 2,550        – → 2,500            – → 2,560,000
        conv2  128      128×64×3×3 → 128×50×3×3  73,856 → 57,728  73,728 → 57,600  75,497,472 → 58,982,400

        outputs                   192 → 228  (1.19×)
        parameters                75,648 → 61,678  (0.82×)
        prunable weights          75,456 → 61,450  (0.81×)
        non-zero weights          75,456 → 61,100  (0.81×)
        MACs                      77,266,944 → 62,924,800  (0.81×)
        MACs of non-zero weights  77,266,944 → 62,566,400  (0.81×)
        tensors                   303 kB → 200 kB  (0.66×)
        file                      303 kB → –

        """)
  }

  @Test func aModelBesideItself() {
    let comparison = NetworkComparison(first, first)
    #expect(comparison.isSameShape)
    #expect(
      comparison.text == """
        layer  outputs  weights     parameters  non-zero        MACs
        conv1  64       64×3×3×3         1,792     1,728   1,769,472
        conv2  128      128×64×3×3      73,856    73,728  75,497,472

        outputs                   192
        parameters                75,648
        prunable weights          75,456
        non-zero weights          75,456
        MACs                      77,266,944
        MACs of non-zero weights  77,266,944
        tensors                   303 kB
        file                      303 kB

        """)
  }

  @Test func withoutValuesThereAreNoZeros() {
    var bare = [first, second]
    for model in bare.indices {
      for index in bare[model].layers.indices { bare[model].layers[index].nonZeroWeights = nil }
    }
    // Another operation of the same name is another layer.
    bare[1].layers[2].name = "conv2"
    bare[1].layers[2].operation = "linear"
    #expect(
      NetworkComparison(bare[0], bare[1]).text == """
        layer  outputs  weights                       parameters                     MACs
        conv1  64 → 50  64×3×3×3 → 50×3×3×3        1,792 → 1,400    1,769,472 → 1,382,400
        conv2  – → 50   – → 50×50×1×1                  – → 2,550            – → 2,560,000
        conv2  128      128×64×3×3 → 128×50×3×3  73,856 → 57,728  75,497,472 → 58,982,400

        outputs           192 → 228  (1.19×)
        parameters        75,648 → 61,678  (0.82×)
        prunable weights  75,456 → 61,450  (0.81×)
        MACs              77,266,944 → 62,924,800  (0.81×)
        tensors           303 kB → 200 kB  (0.66×)
        file              303 kB → –

        """)
  }

  @Test func summaryOfOneModel() {
    #expect(
      second.text == """
        layer  operation    weights      output     parameters  non-zero   density        MACs
        conv1  convolution  50×3×3×3     50×32×32        1,400     1,000   74.07 %   1,382,400
        relu1  activation                50×32×32
        extra  convolution  50×50×1×1    50×32×32        2,550     2,500  100.00 %   2,560,000
        conv2  convolution  128×50×3×3   128×32×32      57,728    57,600  100.00 %  58,982,400
        total               228 outputs                 61,678    61,100   99.43 %  62,924,800

        """)
    #expect(second.nonZeroWeights == 1000 + 2500 + 57_600)
    #expect(second.effectiveMACs == (1000 + 2500 + 57_600) * 1024)
    var bare = first
    for index in bare.layers.indices { bare.layers[index].nonZeroWeights = nil }
    #expect(bare.nonZeroWeights == nil)
    #expect(bare.effectiveMACs == bare.macs)
    #expect(
      bare.text == """
        layer  operation    weights      output     parameters        MACs
        conv1  convolution  64×3×3×3     64×32×32        1,792   1,769,472
        relu1  activation                64×32×32
        conv2  convolution  128×64×3×3   128×32×32      73,856  75,497,472
        total               192 outputs                 75,648  77,266,944

        """)
  }
}
