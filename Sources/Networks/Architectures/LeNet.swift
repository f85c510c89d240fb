extension Architecture {
  /// LeNet-5 as defined by Caffe and as the pruning literature counts it: 20 and 50 filters of 5×5, each followed by 2×2 max pooling,
  /// then 800→500→10, with ReLU after `fc1` only; 431,080 parameters.
  static let leNet5 = Architecture(
    pattern: "lenet-5", summary: "Caffe's LeNet-5: convolutions of 20 and 50 filters, linear 800→500→classes", examples: ["lenet-5"]
  ) { name in
    guard name == "lenet-5" else { return nil }
    return Blueprint(input: .exactly(.image(channels: 1, height: 28, width: 28)), classes: .any(native: 10)) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.convolution("conv1", 20, kernel: 5)
      builder.maxPool(2)
      builder.convolution("conv2", 50, kernel: 5)
      builder.maxPool(2)
      builder.flatten("flatten")
      builder.classifier([500, classes], names: ["fc1", "fc2"])
      return try builder.network()
    }
  }

  /// LeNet-5 with a batch norm and a ReLU after each convolution, which then needs no bias; 431,150 parameters.
  static let leNet5BatchNorm = Architecture(
    pattern: "lenet-5-bn", summary: "LeNet-5 with a batch norm and a ReLU after each convolution", examples: ["lenet-5-bn"]
  ) { name in
    guard name == "lenet-5-bn" else { return nil }
    return Blueprint(input: .exactly(.image(channels: 1, height: 28, width: 28)), classes: .any(native: 10)) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      for (number, filters) in [(1, 20), (2, 50)] {
        builder.convolution("conv\(number)", filters, kernel: 5, bias: false)
        builder.batchNorm("bn\(number)")
        builder.relu()
        builder.maxPool(2)
      }
      builder.flatten("flatten")
      builder.classifier([500, classes], names: ["fc1", "fc2"])
      return try builder.network()
    }
  }
}
