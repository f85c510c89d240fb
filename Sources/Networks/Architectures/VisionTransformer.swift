extension Architecture {
  /// ViT-B/16 (Dosovitskiy et al. 2021) with torchvision's layout and parameter names: patches of 16 pixels, a class token, 12 blocks of 12 heads,
  /// norms before attention and MLP; 86,567,656 parameters.
  ///
  /// Fully connected layers over the patches are 1×1 convolutions, and queries, keys and values come from one, `in_proj`. The numbers of
  /// the positions are channels first, [768, 1, 197], where torchvision's are [1, 197, 768].
  static let visionTransformer = Architecture(
    pattern: "vit-b-16",
    summary: "vision transformer of 12 blocks for ImageNet, torchvision's layout: patches of 16 pixels (Dosovitskiy 2021)",
    examples: ["vit-b-16"]
  ) { name in
    guard name == "vit-b-16" else { return nil }
    let native = FeatureShape.image(channels: 3, height: 224, width: 224)
    return Blueprint(input: .exactly(native), classes: .any(native: 1000)) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      let width = 768
      builder.convolution("conv_proj", width, kernel: 16, stride: 16)
      builder.append("patches", .arrange(height: 1, width: 196), from: [builder.last])
      builder.append("class_token", .classToken(features: width), from: [builder.last])
      builder.append("encoder.pos_embedding", .positionEmbedding(PositionEmbedding(width, height: 1, width: 197)), from: [builder.last])
      for index in 0..<12 { builder.encoderLayer("encoder.layers.encoder_layer_\(index)", width, heads: 12, hidden: 3072) }
      builder.append("encoder.ln", .channelNorm(ChannelNorm(width, epsilon: 1e-6)), from: [builder.last])
      builder.append("token", .pad(top: 0, bottom: 0, left: 0, right: -196), from: [builder.last])
      builder.flatten("flatten")
      builder.linear("heads.head", classes)
      return try builder.network()
    }
  }
}

extension NetworkBuilder {
  /// Appends a block: x + attention(norm(x)), then x + MLP(norm(x)).
  fileprivate mutating func encoderLayer(_ prefix: String, _ width: Int, heads: Int, hidden: Int) {
    let entry = last
    append("\(prefix).ln_1", .channelNorm(ChannelNorm(width, epsilon: 1e-6)), from: [entry])
    convolution("\(prefix).self_attention.in_proj", 3 * width, kernel: 1)
    let parts = split([width, width, width], from: last)
    append("\(prefix).self_attention", .attention(Attention(heads: heads, width: width / heads)), from: parts)
    convolution("\(prefix).self_attention.out_proj", width, kernel: 1)
    let attended = add([entry, last], "\(prefix).attended")
    append("\(prefix).ln_2", .channelNorm(ChannelNorm(width, epsilon: 1e-6)), from: [attended])
    convolution("\(prefix).mlp.0", hidden, kernel: 1)
    activation(.gelu, "\(prefix).mlp.1")
    convolution("\(prefix).mlp.3", width, kernel: 1)
    add([attended, last], "\(prefix)")
  }
}
