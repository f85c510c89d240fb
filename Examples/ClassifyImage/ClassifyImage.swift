// Says what a JPEG or PNG image shows, by a plan that `espalier compile` made. No libtorch, no Foundation: a program of a few megabytes.
//
//     swift run ClassifyImage PLAN IMAGE

import CImages
import SparseRuntime

@main
struct ClassifyImage {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { return print("usage: ClassifyImage PLAN IMAGE") }
    let model = try CompiledModel(contentsOf: arguments[1])
    let preparation = model.plan.preparation
    let shape = (preparation.shape.isEmpty ? model.plan.inputShape : preparation.shape).map(UInt32.init)
    guard shape.count == 3 else { return print("\(arguments[1]) does not classify images") }

    let file = try PlanStorage(contentsOf: arguments[2]).contents
    var pixels = [UInt8](repeating: 0, count: model.plan.inputCount)
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE))
    guard ci_decode(file, file.count, shape[0], shape[1], shape[2], &pixels, &message) == 0 else {
      return print(String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
    }

    let outputs = try model.run(model.input(of: pixels))
    for index in outputs.indices.sorted(by: { outputs[$0] > outputs[$1] }).prefix(3) {
      print(index < model.plan.classes.count ? model.plan.classes[index] : "class \(index)", outputs[index])
    }
  }
}
