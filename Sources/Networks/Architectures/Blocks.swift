// Blocks of torchvision that several families are made of.
extension NetworkBuilder {
  /// Appends torchvision's `Conv2dNormActivation`: a convolution that changes the image's size by its stride only, batch norm and an
  /// activation, if any, numbered 0, 1, 2. Returns the last node's name.
  @discardableResult
  mutating func normedConvolution(
    _ prefix: String, _ filters: Int, kernel: Int, stride: Int = 1, groups: Int = 1, epsilon: Double = 1e-5, momentum: Double = 0.1,
    _ function: Activation?, from input: String? = nil
  ) -> String {
    convolution("\(prefix).0", filters, kernel: kernel, stride: stride, padding: kernel / 2, groups: groups, bias: false, from: input)
    let norm = batchNorm("\(prefix).1", epsilon: epsilon, momentum: momentum)
    return function.map { activation($0, "\(prefix).2") } ?? norm
  }

  /// Appends torchvision's `BasicConv2d`: a convolution, batch norm with ε = 0.001, ReLU. Unless it is `padded`, the image loses a border of
  /// half a kernel. Returns the last node's name.
  @discardableResult
  mutating func basicConvolution(
    _ prefix: String, _ filters: Int, kernel: Extent, stride: Int = 1, padded: Bool = true, from input: String? = nil
  ) -> String {
    let padding = padded ? Extent(kernel.height / 2, kernel.width / 2) : Extent(0)
    convolution("\(prefix).conv", filters, kernel: kernel, stride: Extent(stride), padding: padding, bias: false, from: input)
    batchNorm("\(prefix).bn", epsilon: 0.001)
    return relu("\(prefix).relu")
  }

  /// Appends torchvision's `SqueezeExcitation` (Hu et al. 2018): the mean of each channel over the image, two 1×1 convolutions with an
  /// activation between them, and the product of the image with what `gate` makes of the second.
  mutating func squeezeExcitation(_ prefix: String, _ squeezed: Int, _ function: Activation, gate: Activation) {
    let (image, channels) = (last, shape.channels)
    adaptiveAveragePool(1, "\(prefix).avgpool")
    convolution("\(prefix).fc1", squeezed, kernel: 1)
    activation(function, "\(prefix).activation")
    convolution("\(prefix).fc2", channels, kernel: 1)
    multiply(image, by: activation(gate, "\(prefix).scale_activation"), "\(prefix).multiply")
  }

  /// Appends the end of most classifiers: global average pooling `avgpool`, `flatten`, dropout unless its probability is 0, and a linear
  /// layer.
  mutating func pooledClassifier(_ name: String, _ classes: Int, dropout probability: Double = 0, _ dropoutName: String = "dropout") {
    adaptiveAveragePool(1, "avgpool")
    flatten("flatten")
    if probability > 0 { dropout(probability, dropoutName) }
    linear(name, classes)
  }
}
