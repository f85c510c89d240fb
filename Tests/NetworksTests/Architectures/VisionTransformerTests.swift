import Networks
import Testing

@Suite struct VisionTransformerTests {
  /// Names and shapes of torchvision's `vit_b_16().state_dict()`; 17.56 GFLOPs (multiply–accumulates) as it publishes them.
  @Test func torchvisionsTensorsAndCounts() throws {
    let network = try Architecture.parse("vit-b-16")
    var expected: [String: [Int]] = [
      "class_token": [1, 1, 768], "conv_proj.weight": [768, 3, 16, 16], "conv_proj.bias": [768], "encoder.pos_embedding": [1, 197, 768],
      "encoder.ln.weight": [768], "encoder.ln.bias": [768], "heads.head.weight": [1000, 768], "heads.head.bias": [1000],
    ]
    for index in 0..<12 {
      for (name, shape) in [
        "ln_1.weight": [768], "ln_1.bias": [768], "self_attention.in_proj_weight": [2304, 768], "self_attention.in_proj_bias": [2304],
        "self_attention.out_proj.weight": [768, 768], "self_attention.out_proj.bias": [768], "ln_2.weight": [768], "ln_2.bias": [768],
        "mlp.0.weight": [3072, 768], "mlp.0.bias": [3072], "mlp.3.weight": [768, 3072], "mlp.3.bias": [768],
      ] {
        expected["encoder.layers.encoder_layer_\(index).\(name)"] = shape
      }
    }
    var found: [String: [Int]] = [:]
    for (name, dimensions) in try network.parameterShapes() {
      // Layers over positions are 1×1 convolutions, and parameters without a layer have one of their own.
      var text = name.description.replacing("in_proj.", with: "in_proj_")
      for bare in ["class_token", "encoder.pos_embedding"] where text == "\(bare).weight" { text = bare }
      switch text {
      case "class_token": found[text] = [1, 1] + dimensions
      case "encoder.pos_embedding": found[text] = [dimensions[1], dimensions[2], dimensions[0]]
      case "conv_proj.weight": found[text] = dimensions
      default: found[text] = dimensions.count == 4 ? Array(dimensions.prefix(2)) : dimensions
      }
    }
    #expect(found == expected)
    let cost = try network.cost()
    #expect(cost.parameters == 86_567_656)
    #expect((cost.macs + 5_000_000) / 10_000_000 == 1756)
  }

  /// The residual stream is one group, and each block has its heads and its hidden units.
  @Test func groups() throws {
    let groups = try Architecture.parse("vit-b-16").channelGroups().groups
    #expect(groups.map(\.width).sorted() == Array(repeating: 12, count: 12) + [768] + Array(repeating: 3072, count: 12))
    #expect(groups.first?.name == "conv_proj" && groups.first?.producers.count == 25)
  }
}
