import Foundation
import Networks
import Testing

@Suite struct CodingTests {
  private let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return encoder
  }()

  private func json(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }

  @Test(arguments: Architecture.names)
  func networksSurviveJSON(name: String) throws {
    let network = try Architecture.parse(name)
    #expect(try JSONDecoder().decode(Network.self, from: encoder.encode(network)) == network)
  }

  @Test(arguments: [
    (Networks.Operation.input(.image(channels: 3, height: 32, width: 32)), #"{"shape":[3,32,32],"type":"input"}"#),
    (.linear(Linear(784, 300)), #"{"bias":true,"inputs":784,"outputs":300,"type":"linear"}"#),
    (
      .convolution(Convolution(3, 64, kernel: Extent(3, 5), padding: Extent(1), bias: false)),
      #"{"bias":false,"dilation":[1,1],"groups":1,"inputs":3,"kernel":[3,5],"outputs":64,"padding":[1,1],"stride":[1,1],"type":"convolution"}"#
    ),
    (
      .convolution(Convolution(3, 6, kernel: Extent(2), stride: Extent(2), groups: 3, outputPadding: Extent(0, 1))),
      #"{"bias":true,"dilation":[1,1],"groups":3,"inputs":3,"kernel":[2,2],"outputPadding":[0,1],"outputs":6,"padding":[0,0],"stride":[2,2],"type":"convolution"}"#
    ),
    (.batchNorm(BatchNorm(8, epsilon: 0.5)), #"{"affine":true,"epsilon":0.5,"features":8,"momentum":0.1,"type":"batchNorm"}"#),
    (.activation(.relu6), #"{"function":"relu6","type":"activation"}"#),
    (.activation(.gelu), #"{"function":"gelu","type":"activation"}"#),
    (.activation(.tanhGELU), #"{"function":"tanhGELU","type":"activation"}"#),
    (.activation(.leakyReLU(slope: 0.25)), #"{"function":"leakyReLU","slope":0.25,"type":"activation"}"#),
    (.activation(.affine(scale: 0.5, shift: -1)), #"{"function":"affine","scale":0.5,"shift":-1,"type":"activation"}"#),
    (.activation(.elu()), #"{"alpha":1,"function":"elu","type":"activation"}"#),
    (.activation(.hardSigmoid()), #"{"function":"hardSigmoid","type":"activation"}"#),
    (.activation(.hardSigmoid(slope: 0.25)), #"{"function":"hardSigmoid","slope":0.25,"type":"activation"}"#),
    (
      .attention(Attention(heads: 2, width: 3, valueWidth: 4, scale: 0.5, unit: .width)),
      #"{"heads":2,"keyWidth":3,"scale":0.5,"type":"attention","unit":"width","valueWidth":4}"#
    ),
    (
      .attention(
        Attention(heads: 2, width: 3, window: .init(Extent(4, 5), shift: Extent(1, 2)), bias: Extent(20), isCosine: true)),
      """
      {"bias":[20,20],"cosine":true,"heads":2,"keyWidth":3,"scale":1,"shift":[1,2],"type":"attention","unit":"head","valueWidth":3,\
      "window":[4,5]}
      """
    ),
    (
      .attention(Attention(heads: 2, width: 3, scale: 1, window: .init(Extent(4, 5), isGrid: true))),
      #"{"grid":true,"heads":2,"keyWidth":3,"scale":1,"type":"attention","unit":"head","valueWidth":3,"window":[4,5]}"#
    ),
    (.roll(down: -3, right: 2), #"{"down":-3,"right":2,"type":"roll"}"#),
    (.classToken(features: 4), #"{"features":4,"type":"classToken"}"#),
    (.positionEmbedding(PositionEmbedding(4, height: 1, width: 9)), #"{"features":4,"size":[1,9],"type":"positionEmbedding"}"#),
    (.arrange(height: 1, width: 6), #"{"size":[1,6],"type":"arrange"}"#),
    (.activation(.hardSwish), #"{"function":"hardSwish","type":"activation"}"#),
    (.prelu(PReLU(4)), #"{"features":4,"type":"prelu"}"#),
    (.softmax, #"{"type":"softmax"}"#),
    (.channelNorm(ChannelNorm(4, absent: 2)), #"{"absent":2,"affine":true,"epsilon":1e-05,"features":4,"type":"channelNorm"}"#),
    (.channelAffine(ChannelAffine(4, bias: false)), #"{"bias":false,"features":4,"type":"channelAffine"}"#),
    (.localResponseNorm(LocalResponseNorm(5, alpha: 0.5)), #"{"alpha":0.5,"beta":0.75,"k":1,"size":5,"type":"localResponseNorm"}"#),
    (
      .averagePool(Pooling(kernel: Extent(2), countsPadding: false)),
      #"{"ceilMode":false,"countsPadding":false,"kernel":[2,2],"padding":[0,0],"stride":[2,2],"type":"averagePool"}"#
    ),
    (.adaptiveMaxPool(height: 1, width: 2), #"{"size":[1,2],"type":"adaptiveMaxPool"}"#),
    (.pad(top: 0, bottom: 1, left: 2, right: 3), #"{"bottom":1,"left":2,"right":3,"top":0,"type":"pad"}"#),
    (.resize(height: 8, width: 6, .bilinearAligned), #"{"interpolation":"bilinearAligned","size":[8,6],"type":"resize"}"#),
    (.subtract, #"{"type":"subtract"}"#),
    (.multiply, #"{"type":"multiply"}"#),
    (.indexSelect([2, 0, 1]), #"{"indices":[2,0,1],"type":"indexSelect"}"#),
    (
      .maxPool(Pooling(kernel: Extent(3), stride: Extent(2), ceilMode: true)),
      #"{"ceilMode":true,"kernel":[3,3],"padding":[0,0],"stride":[2,2],"type":"maxPool"}"#
    ),
    (.averagePool(Pooling(kernel: Extent(2))), #"{"ceilMode":false,"kernel":[2,2],"padding":[0,0],"stride":[2,2],"type":"averagePool"}"#),
    (.adaptiveAveragePool(height: 7, width: 6), #"{"size":[7,6],"type":"adaptiveAveragePool"}"#),
    (.dropout(0.5), #"{"probability":0.5,"type":"dropout"}"#),
    (.flatten, #"{"type":"flatten"}"#),
    (.add, #"{"type":"add"}"#),
    (.concat, #"{"type":"concat"}"#),
    (
      .groupNorm(GroupNorm(groups: 2, 8, absent: 1)),
      #"{"absent":1,"affine":true,"epsilon":1e-05,"features":8,"groups":2,"type":"groupNorm"}"#
    ),
    (.narrow(start: 1, count: 3), #"{"count":3,"start":1,"type":"narrow"}"#),
    (.indexSelect([0, 2, 7]), #"{"indices":[0,2,7],"type":"indexSelect"}"#),
    (.subsamplePad(stride: 2, before: 8, after: 8), #"{"after":8,"before":8,"stride":2,"type":"subsamplePad"}"#),
  ])
  func operations(operation: Networks.Operation, text: String) throws {
    #expect(try json(operation) == text)
    #expect(try JSONDecoder().decode(Networks.Operation.self, from: Data(text.utf8)) == operation)
  }

  @Test func defaultsMayBeLeftOut() throws {
    let text = #"{"type":"convolution","inputs":3,"outputs":64,"kernel":[3,3]}"#
    #expect(try JSONDecoder().decode(Networks.Operation.self, from: Data(text.utf8)) == .convolution(Convolution(3, 64, kernel: Extent(3))))
    func decoded(_ text: String) throws -> Networks.Operation {
      try JSONDecoder().decode(Networks.Operation.self, from: Data(text.utf8))
    }
    #expect(try decoded(#"{"type":"activation","function":"leakyReLU"}"#) == .activation(.leakyReLU(slope: 0.01)))
    #expect(try decoded(#"{"type":"activation","function":"affine"}"#) == .activation(.affine()))
    #expect(try decoded(#"{"type":"pad","left":1}"#) == .pad(top: 0, bottom: 0, left: 1, right: 0))
    #expect(try decoded(#"{"type":"prelu"}"#) == .prelu(PReLU()))
    let pool = #"{"type":"maxPool","kernel":[3,2]}"#
    #expect(try JSONDecoder().decode(Networks.Operation.self, from: Data(pool.utf8)) == .maxPool(Pooling(kernel: Extent(3, 2))))
  }

  @Test(arguments: [
    (
      #"{"type":"attend"}"#,
      """
      unknown operation type "attend"; known: input, linear, convolution, batchNorm, groupNorm, channelNorm, channelAffine, \
      localResponseNorm, activation, prelu, softmax, attention, classToken, positionEmbedding, maxPool, averagePool, adaptiveAveragePool, \
      adaptiveMaxPool, pad, resize, arrange, roll, dropout, \
      flatten, add, subtract, multiply, concat, narrow, indexSelect, subsamplePad, opaque
      """
    ),
    ("7", "an operation must be an object with a field \"type\""),
    (#"{"inputs":3}"#, "an operation must be an object with a field \"type\""),
    (#"{"type":"linear","inputs":3}"#, "linear: field \"outputs\" is missing"),
    (#"{"type":"linear","inputs":"3","outputs":2}"#, "linear: field \"inputs\" must be a whole number"),
    (#"{"type":"linear","inputs":3.5,"outputs":2}"#, "linear: field \"inputs\" must be a whole number"),
    (#"{"type":"linear","inputs":1e300,"outputs":2}"#, "linear: field \"inputs\" must be a whole number"),
    (#"{"type":"linear","inputs":-3,"outputs":2}"#, "linear: inputs must be from 1 to 2147483647, is -3"),
    (#"{"type":"linear","inputs":9223372036854775807,"outputs":2}"#, "linear: inputs must be from 1 to 2147483647, is 9223372036854775807"),
    (#"{"type":"indexSelect"}"#, "indexSelect: field \"indices\" is missing"),
    (#"{"type":"indexSelect","indices":[]}"#, "indexSelect: indices must name at least one channel"),
    (#"{"type":"indexSelect","indices":[2,0,2]}"#, "indexSelect: indices must differ, 2 stands twice"),
    (#"{"type":"indexSelect","indices":[-1,2]}"#, "indexSelect: indices must be from 0 to 2147483647, is -1"),
    (#"{"type":"indexSelect","indices":[0,1.5]}"#, "indexSelect: field \"indices\" must be an array of whole numbers"),
    (#"{"type":"linear","inputs":3,"outputs":2,"rank":4}"#, "linear: unknown field \"rank\""),
    (#"{"type":"linear","inputs":3,"outputs":2,"bias":1}"#, "linear: field \"bias\" must be true or false"),
    (
      #"{"type":"convolution","inputs":3,"outputs":2,"kernel":3}"#,
      "convolution: field \"kernel\": an extent must be [height, width] in whole numbers"
    ),
    (
      #"{"type":"convolution","inputs":3,"outputs":2,"kernel":[3,3,3]}"#,
      "convolution: field \"kernel\": an extent must be [height, width] in whole numbers"
    ),
    (
      #"{"type":"convolution","inputs":3,"outputs":2,"kernel":[3,3],"groups":0}"#,
      "convolution: groups must be from 1 to 2147483647, is 0"
    ),
    (
      #"{"type":"convolution","inputs":4,"outputs":6,"kernel":[3,3],"groups":4}"#, "convolution: 4 groups do not divide 6 output channels"
    ),
    (
      #"{"type":"activation","function":"swish"}"#,
      """
      activation: unknown function "swish"; known: relu, relu6, tanh, gelu, tanhGELU, silu, sigmoid, hardSigmoid, hardSwish, leakyReLU, elu, \
      softplus, mish, affine
      """
    ),
    (#"{"type":"activation","function":"elu","slope":1}"#, "activation: unknown field \"slope\""),
    (#"{"type":"activation","function":"leakyReLU","slope":"steep"}"#, "activation: field \"slope\" must be a number"),
    (#"{"type":"maxPool","kernel":[2,2],"countsPadding":true}"#, "maxPool: unknown field \"countsPadding\""),
    (#"{"type":"pad","top":-2147483648}"#, "pad: top must be from -2147483647 to 2147483647, is -2147483648"),
    (
      #"{"type":"attention","heads":2,"keyWidth":0,"valueWidth":4,"scale":1,"unit":"head"}"#,
      "attention: keyWidth must be from 1 to 2147483647, is 0"
    ),
    (
      #"{"type":"attention","heads":2,"keyWidth":3,"valueWidth":4,"scale":1,"unit":"row"}"#,
      "attention: unknown unit \"row\"; known: head, width"
    ),
    (
      #"{"type":"attention","heads":2,"keyWidth":3,"valueWidth":4,"scale":1,"unit":"head","grid":true}"#,
      "attention: field \"grid\" goes with \"window\" alone"
    ),
    (
      #"{"type":"attention","heads":2,"keyWidth":3,"valueWidth":4,"scale":1,"unit":"head","window":[2,2],"shift":[0,2]}"#,
      "attention: shift 0×2 must be smaller than the window 2×2"
    ),
    (
      #"{"type":"attention","heads":2,"keyWidth":3,"valueWidth":4,"scale":1,"unit":"head","window":[2,2],"grid":true,"shift":[1,0]}"#,
      "attention: a grid has no shift"
    ),
    (
      #"{"type":"attention","heads":2,"keyWidth":3,"valueWidth":4,"scale":1,"unit":"head","bias":[0,2]}"#,
      "attention: bias must be from 1 to 2147483647, is 0"
    ),
    (#"{"type":"roll","down":-2147483648}"#, "roll: down must be from -2147483647 to 2147483647, is -2147483648"),
    (#"{"type":"arrange","size":[0,6]}"#, "arrange: size must be from 1 to 2147483647, is 0"),
    (#"{"type":"resize","size":[0,4],"interpolation":"nearest"}"#, "resize: size must be from 1 to 2147483647, is 0"),
    (
      #"{"type":"resize","size":[4,4],"interpolation":"cubic"}"#,
      "resize: unknown interpolation \"cubic\"; known: nearest, bilinear, bilinearAligned"
    ),
    (#"{"type":"channelNorm","features":4,"epsilon":-1}"#, "channelNorm: epsilon must be positive, is -1.0"),
    (#"{"type":"channelAffine","features":0}"#, "channelAffine: features must be from 1 to 2147483647, is 0"),
    (#"{"type":"localResponseNorm","size":5,"k":0}"#, "localResponseNorm: k must be positive, is 0.0"),
    (#"{"type":"localResponseNorm","size":5,"alpha":-1}"#, "localResponseNorm: alpha must be at least 0, is -1.0"),
    (#"{"type":"prelu","features":-1}"#, "prelu: features must be from 1 to 2147483647, is -1"),
    (#"{"type":"dropout","probability":1}"#, "dropout: probability must be at least 0 and below 1, is 1.0"),
    (#"{"type":"batchNorm","features":4,"epsilon":0}"#, "batchNorm: epsilon must be positive, is 0.0"),
    (#"{"type":"maxPool","kernel":[2,2],"padding":[2,0]}"#, "maxPool: padding 2×0 is more than half of the window 2×2"),
    (#"{"type":"input","shape":[3,32]}"#, "input: field \"shape\": a shape has 1 or 3 dimensions, this one has 2"),
    (
      #"{"type":"input","shape":[4194305,4194305,211106198978564]}"#,
      "input: field \"shape\": shape 4194305×4194305×211106198978564 is out of range"
    ),
  ])
  func badOperations(text: String, words: String) {
    #expect(throws: NetworkError.malformed(words)) { try JSONDecoder().decode(Networks.Operation.self, from: Data(text.utf8)) }
  }

  @Test(arguments: [
    ("[]", NetworkError.malformed("a network must be an object with \"name\" (text), \"nodes\" and \"outputs\" (arrays)")),
    (#"{"name":"x","nodes":[{}],"outputs":[]}"#, .malformed("a node must be an object with a field \"name\"")),
    (
      #"{"name":"x","nodes":[{"name":"a","inputs":[]}],"outputs":[]}"#,
      .malformed("node \"a\": needs \"operation\" (an object) and \"inputs\" (an array of names)")
    ),
    (
      #"{"name":"x","nodes":[{"name":"a","inputs":[],"operation":{"type":"conv"}}],"outputs":[]}"#,
      .malformed(
        """
        node "a": unknown operation type "conv"; known: input, linear, convolution, batchNorm, groupNorm, channelNorm, channelAffine, \
        localResponseNorm, activation, prelu, softmax, attention, classToken, positionEmbedding, maxPool, averagePool, adaptiveAveragePool, \
        adaptiveMaxPool, pad, resize, arrange, roll, dropout, \
        flatten, add, subtract, multiply, concat, narrow, indexSelect, subsamplePad, opaque
        """)
    ),
    (
      #"{"name":"x","nodes":[{"name":"a","inputs":[],"operation":{"type":"input","shape":[4]}}],"outputs":["b"]}"#,
      .invalid("output \"b\" is not a node")
    ),
    (
      """
      {"name":"x","nodes":[{"name":"a","inputs":[],"operation":{"type":"input","shape":[4]}},
      {"name":"fc","inputs":["a"],"operation":{"type":"linear","inputs":5,"outputs":2}}],"outputs":["fc"]}
      """,
      .shape(node: "fc", problem: "expects 5 features, gets 4 from a (4)")
    ),
  ])
  func badNetworks(text: String, error: NetworkError) {
    #expect(throws: error) { try JSONDecoder().decode(Network.self, from: Data(text.utf8)) }
  }

  @Test func sharedModulesAreWritten() throws {
    let node = Network.Node(name: "again", operation: .flatten, inputs: ["a"], module: "first")
    #expect(try json(node) == #"{"inputs":["a"],"module":"first","name":"again","operation":{"type":"flatten"}}"#)
    #expect(try JSONDecoder().decode(Network.Node.self, from: encoder.encode(node)) == node)
  }
}
