// swift-tools-version: 6.2
import PackageDescription

// Where libtorch lies. `Scripts/bootstrap` sets the link `.libtorch`; LIBTORCH overrides it. The manifest never
// probes the disk: SwiftPM caches its answer, which would go stale.
let libtorch = Context.environment["LIBTORCH"] ?? "\(Context.packageDirectory)/.libtorch"

let headers = ["-isystem", "\(libtorch)/include", "-isystem", "\(libtorch)/include/torch/csrc/api/include"]

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "espalier",
  platforms: [.macOS(.v14)],
  products: [
    .executable(name: "espalier", targets: ["espalier"]),
    .library(name: "SparseRuntime", targets: ["SparseRuntime"]),
    .library(name: "EspalierRuntime", type: .static, targets: ["SparseRuntime"]),
    .library(
      name: "Espalier",
      targets: [
        "Torch", "Networks", "Datasets", "Training", "Pruning", "Interchange", "SparseRuntime", "SparseCompiler", "Results", "Experiments",
        "Studies",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    // Without its default traits, configuration and what needs all of Foundation: a page and its events need neither.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
  ],
  targets: [
    .target(
      name: "CTorch", dependencies: ["CSparse"], cxxSettings: [.unsafeFlags(headers + ["-O3", "-fno-math-errno"])],
      linkerSettings: [
        .unsafeFlags(["-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib"]),
        .linkedLibrary("torch_cpu"), .linkedLibrary("c10"), .linkedLibrary("dl", .when(platforms: [.linux])),
      ]),
    .target(name: "CSparse", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-Wno-psabi"])]),
    .target(name: "CStartup"),
    // On Linux libjpeg and libpng are linked in, because their names differ from distribution to distribution and few machines have both.
    .target(
      name: "CImages",
      dependencies: [
        .target(name: "CJPEG", condition: .when(platforms: [.macOS])), .target(name: "CPNG", condition: .when(platforms: [.macOS])),
      ],
      cSettings: [.unsafeFlags(["-O3"])],
      linkerSettings: [
        .linkedLibrary(":libjpeg.a", .when(platforms: [.linux])), .linkedLibrary(":libpng16.a", .when(platforms: [.linux])),
        .linkedLibrary("z"), .linkedLibrary("m", .when(platforms: [.linux])),
      ]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(name: "Torch", dependencies: ["CTorch", "Files", "Words"], swiftSettings: strict),
    .target(name: "Words", swiftSettings: strict),
    .target(name: "Files", dependencies: ["Interruptions"], swiftSettings: strict),
    .target(name: "Interruptions", swiftSettings: strict),
    .target(name: "Processes", swiftSettings: strict),
    .target(name: "Networks", dependencies: ["Words"], swiftSettings: strict),
    .target(
      name: "Datasets",
      dependencies: [
        "Torch", "Files", "Words", "Interruptions", "CImages", "CZlib", .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ], swiftSettings: strict),
    .target(
      name: "Training",
      dependencies: ["CSparse", "CZlib", "SparseRuntime", "Torch", "Networks", "Datasets", "Files", "Words", "Interruptions"],
      swiftSettings: strict
    ),
    .target(
      name: "Interchange",
      dependencies: [
        "CZlib", "Training", "Torch", "Networks", "Files", "Words", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["ONNX.proto"], swiftSettings: strict),
    .target(
      name: "Pruning", dependencies: ["Training", "Torch", "Networks", "Datasets", "Results", "Words", "Interruptions"],
      swiftSettings: strict),
    .target(name: "SparseRuntime", dependencies: ["CSparse", "CZlib"], swiftSettings: strict),
    .target(name: "SparseCompiler", dependencies: ["SparseRuntime", "Networks"], swiftSettings: strict),
    .target(name: "Results", dependencies: ["Words"], swiftSettings: strict),
    .target(
      name: "Reports", dependencies: ["Results", "Files", "Words", "Interruptions", "Processes"],
      resources: [
        .embedInCode("Page/page.css"), .embedInCode("Page/page.js"), .embedInCode("Page/live.js"), .embedInCode("Rendering/render.py"),
      ], swiftSettings: strict),
    .target(
      name: "Experiments",
      dependencies: [
        "Pruning", "Interchange", "SparseCompiler", "SparseRuntime", "Training", "Torch", "Networks", "Datasets", "Results", "Files",
        "Words",
        "Interruptions",
      ],
      swiftSettings: strict),
    .target(
      name: "Studies",
      dependencies: [
        "Results", "Files", "Words", "Interruptions", .product(name: "Yams", package: "Yams"),
        .product(name: "GRDB", package: "GRDB.swift"), .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: strict),
    .target(
      name: "TensorBoard", dependencies: ["Files", .product(name: "SwiftProtobuf", package: "swift-protobuf")], exclude: ["Event.proto"],
      swiftSettings: strict),
    .target(
      name: "Serving",
      dependencies: [
        "Reports", "Studies", "Results", "Files", "Interruptions", .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "espalier",
      dependencies: [
        "Serving", "Studies", "TensorBoard", "Interchange", "Experiments", "Pruning", "Training", "Torch", "Networks", "Datasets",
        "Results", "Reports", "SparseCompiler", "SparseRuntime",
        "Files", "Words", "Interruptions", "Processes", "CStartup",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], resources: [.embedInCode("Benchmarking/peer.py")], swiftSettings: strict),
    .executableTarget(
      name: "espalier-bench",
      dependencies: ["Pruning", "Training", "SparseRuntime", "Torch", "Networks", "Datasets", "Results", "CStartup"],
      path: "Benchmarks", exclude: ["Python", "README.md"], resources: [.embedInCode("cases.json")], swiftSettings: strict),
    .executableTarget(
      name: "TrainAndPrune", dependencies: ["Experiments", "Pruning", "Results", "Torch", "Training"], path: "Examples/TrainAndPrune",
      swiftSettings: strict),
    .executableTarget(
      name: "ClassifyImage", dependencies: ["SparseRuntime", "CImages"], path: "Examples/ClassifyImage", swiftSettings: strict),
    .executableTarget(
      name: "OwnCriterion", dependencies: ["Experiments", "Pruning", "Training", "Networks", "Torch"], path: "Examples/OwnCriterion",
      swiftSettings: strict),
    .executableTarget(
      name: "OwnDataset", dependencies: ["Experiments", "Pruning", "Results", "Torch", "Training", "Datasets"], path: "Examples/OwnDataset",
      swiftSettings: strict),
    .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport", swiftSettings: strict),
    .executableTarget(
      name: "espalier-conformance", dependencies: ["Interchange", "Training", "Torch", "Results", "Words", "TestSupport"],
      path: "Tests/Conformance", swiftSettings: strict),
    .target(name: "StandInCUDA", dependencies: ["CTorch"], path: "Tests/StandInCUDA", cxxSettings: [.unsafeFlags(headers)]),
    .testTarget(name: "TorchTests", dependencies: ["Torch", "Files", "TestSupport", "StandInCUDA"], swiftSettings: strict),
    .testTarget(name: "CSparseTests", dependencies: ["CSparse", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "SparseCompilerTests",
      dependencies: ["SparseCompiler", "SparseRuntime", "Interchange", "Training", "Torch", "Networks", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "WordsTests", dependencies: ["Words"], swiftSettings: strict),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "NetworksTests", dependencies: ["Networks"], swiftSettings: strict),
    .testTarget(
      name: "DatasetsTests",
      dependencies: [
        "Datasets", "Torch", "TestSupport", "CZlib",
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: strict),
    .testTarget(
      name: "TrainingTests", dependencies: ["Training", "SparseRuntime", "Torch", "Networks", "Datasets", "Interruptions", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "InterchangeTests",
      dependencies: [
        "Interchange", "Training", "Torch", "Networks", "Files", "TestSupport", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["Checkpoints/Golden"], swiftSettings: strict),
    .testTarget(
      name: "PruningTests", dependencies: ["Pruning", "Training", "Torch", "Networks", "Datasets", "Results", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "ResultsTests", dependencies: ["Results"], swiftSettings: strict),
    .testTarget(
      name: "ReportsTests", dependencies: ["Reports", "Results", "Files", "Interruptions", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "Experiments", "Pruning", "Training", "Torch", "Networks", "Datasets", "Results", "Files", "Interruptions", "TestSupport",
        "StandInCUDA",
      ],
      swiftSettings: strict),
    .testTarget(name: "StudiesTests", dependencies: ["Studies", "Results", "Files", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "TensorBoardTests", dependencies: ["TensorBoard", "TestSupport", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      swiftSettings: strict),
    .testTarget(
      name: "ServingTests", dependencies: ["Serving", "Reports", "Studies", "Results", "Files", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: ["espalier", "Studies", "TrainAndPrune", "OwnCriterion", "OwnDataset", "Files", "Processes", "TestSupport"],
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx17
)
