// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// With GRU_DIST_WARNINGS=errors, as in continuous integration, a warning ends the build. Elsewhere
/// a newer compiler may warn of something new, and the build goes on.
let warnings: [SwiftSetting] =
  Context.environment["GRU_DIST_WARNINGS"] == "errors" ? [.treatAllWarnings(as: .error)] : []

/// The name by which pkg-config knows the MPI library to build with: GRU_DIST_MPI, or else the
/// first of these that is installed. All are one source here (Sources/CMPI).
let mpi: String =
  Context.environment["GRU_DIST_MPI"]
  ?? ["ompi-c", "mpich", "impi", "cray-mpich"].first(where: isKnownToPkgConfig) ?? "ompi-c"

func isKnownToPkgConfig(_ name: String) -> Bool {
  let told = ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"].compactMap { Context.environment[$0] }
  let prefixes = ["/usr", "/usr/local", "/opt/homebrew"]
  let usual = prefixes.flatMap { prefix in
    ["lib", "lib64", "share", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"].map {
      "\(prefix)/\($0)/pkgconfig"
    }
  }
  return (told.flatMap { $0.split(separator: ":").map(String.init) } + usual)
    .contains { FileManager.default.fileExists(atPath: "\($0)/\(name).pc") }
}

/// Settings of every target: Swift 6 mode with the coming import and existential rules.
let common: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + warnings

/// Compiles a target as a whole each time. An incremental build does not see that an inlined
/// function of another module has a new body, and would go on with stale kernels.
let wholeModule = ["-wmo", "-num-threads", "2", "-disable-batch-mode"]

/// Hot targets are optimised in every configuration, so that a debug build trains at full speed.
let hot: [SwiftSetting] = common + [.unsafeFlags(["-O"] + wholeModule)]

/// Kernels that are written once, generic over vectors. Their machine code is made, and optimised,
/// where a target of kernels specializes them for one instruction set: generic code never runs.
let generic: [SwiftSetting] = common + [.unsafeFlags(wholeModule)]

/// Outside the kernels and the core, which are made of pointers, code says where it is unsafe.
let strict: [SwiftSetting] = common + [.strictMemorySafety()]
let strictHot: [SwiftSetting] = hot + [.strictMemorySafety()]

/// Whether what is built will run on x86-64: on this machine, or on that which
/// GRU_DIST_ARCHITECTURE names where a cross compiler builds for another (Tests/arm64).
let isForX86: Bool = {
  #if arch(x86_64)
    let own = "x86_64"
  #else
    let own = "another"
  #endif
  return (Context.environment["GRU_DIST_ARCHITECTURE"] ?? own) == "x86_64"
}()

/// Flags of a target that is compiled for one x86-64 feature level, and for some features besides.
/// For other processors the target's sources are empty, and there are no such flags.
func kernels(_ march: String, _ features: [String] = []) -> [SwiftSetting] {
  let flags = isForX86 ? ["-march=\(march)"] + features.map { "-m\($0)" } : []
  return common + [
    .unsafeFlags(["-Ounchecked"] + wholeModule),
    .unsafeFlags(flags.flatMap { ["-Xcc", $0] }, .when(platforms: [.linux])),
  ]
}

let package = Package(
  name: "gru-dist",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "gru-dist", targets: ["gru-dist"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CMPI", pkgConfig: mpi,
      providers: [.apt(["libopenmpi-dev", "openmpi-bin", "pkg-config"]), .brew(["open-mpi"])]),
    .target(name: "CPlatform", cSettings: [.unsafeFlags(["-O2"])]),
    .target(
      name: "NumericContract", dependencies: ["CPlatform"],
      swiftSettings: strictHot),
    .target(name: "Timeline", dependencies: ["CPlatform"], swiftSettings: strictHot),
    .target(
      name: "SIMDKernels", dependencies: ["CPlatform", "NumericContract"],
      swiftSettings: generic),
    .target(
      name: "KernelsPortable", dependencies: ["CPlatform", "SIMDKernels"],
      swiftSettings: common + [
        .define("EVERY_PROCESSOR"), .unsafeFlags(["-Ounchecked"] + wholeModule),
      ]),
    .target(
      name: "KernelsAVX2", dependencies: ["CPlatform", "SIMDKernels"],
      swiftSettings: kernels("x86-64-v3")),
    .target(
      name: "KernelsAVX512", dependencies: ["CPlatform", "SIMDKernels"],
      swiftSettings: kernels("x86-64-v4")),
    .target(
      name: "KernelsBF16", dependencies: ["CPlatform", "SIMDKernels"],
      swiftSettings: kernels("x86-64-v4", ["avx512bf16"])),
    .target(
      name: "Kernels",
      dependencies: [
        "CPlatform", "NumericContract", "Timeline", "SIMDKernels", "KernelsPortable",
        "KernelsAVX2", "KernelsAVX512", "KernelsBF16",
      ],
      swiftSettings: hot),
    .target(name: "Cells", dependencies: ["Kernels"], swiftSettings: strictHot),
    .target(name: "Tasks", dependencies: ["NumericContract"], swiftSettings: strict),
    .target(name: "GRUCore", dependencies: ["Tasks", "Cells", "Kernels"], swiftSettings: hot),
    .target(
      name: "ReferenceModels", dependencies: ["GRUCore", "Cells", "Kernels"], swiftSettings: hot),
    .target(
      name: "Collectives", dependencies: ["NumericContract", "Kernels"], swiftSettings: strictHot),
    .target(
      name: "MPICollectives", dependencies: ["CMPI", "Collectives", "Kernels"],
      swiftSettings: strictHot),
    .target(name: "Records", swiftSettings: strictHot),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(
      name: "Corpora", dependencies: ["CPlatform", "NumericContract", "Records", "CZlib"],
      swiftSettings: strictHot),
    .target(
      name: "Batches",
      dependencies: ["Tasks", "Records", "NumericContract"],
      swiftSettings: strictHot),
    .target(
      name: "Tables",
      dependencies: ["CPlatform", "NumericContract", "Records", "Tasks", "Corpora", "Batches"],
      swiftSettings: strictHot),
    .target(
      name: "Datasets",
      dependencies: [
        "Tasks", "Records", "NumericContract", "Corpora", "Batches", "Tables",
      ],
      swiftSettings: strictHot),
    .target(
      name: "TextSequences",
      dependencies: ["Tasks", "Records", "NumericContract", "Corpora", "Batches", "Datasets"],
      swiftSettings: strictHot),
    .target(
      name: "Checkpoints", dependencies: ["NumericContract", "Records", "Corpora"],
      swiftSettings: strict),
    .target(
      name: "Interchange",
      dependencies: ["NumericContract", "Cells", "GRUCore", "Records", "Checkpoints"],
      swiftSettings: strict),
    .target(
      name: "Configuration", dependencies: ["NumericContract", "Tasks", "Records", "Corpora"],
      swiftSettings: strict),
    .target(
      name: "Engine",
      dependencies: [
        "Kernels", "Tasks", "Cells", "GRUCore", "Collectives", "Records", "Corpora", "Batches",
        "Datasets", "TextSequences", "Checkpoints", "Configuration", "NumericContract",
      ],
      swiftSettings: strictHot),
    .target(
      name: "Traces",
      dependencies: ["Timeline", "Kernels", "GRUCore", "Collectives", "Records", "Engine"],
      swiftSettings: strict),
    .target(
      name: "Scoring",
      dependencies: [
        "NumericContract", "Kernels", "Tasks", "Cells", "GRUCore", "Collectives", "Corpora",
        "Batches", "Datasets", "TextSequences", "Checkpoints", "Interchange", "Records",
        "Configuration", "Engine",
      ],
      swiftSettings: strictHot),
    .target(
      name: "Prediction",
      dependencies: [
        "NumericContract", "Kernels", "Tasks", "GRUCore", "Collectives", "Corpora", "Batches",
        "Datasets", "TextSequences", "Checkpoints", "Records", "Configuration", "Engine", "Scoring",
      ],
      swiftSettings: strictHot),
    .target(name: "Hooks", dependencies: ["Records"], swiftSettings: strict),
    .target(
      name: "WarmStarts",
      dependencies: [
        "NumericContract", "Kernels", "Tasks", "Cells", "GRUCore", "Collectives", "Corpora",
        "Datasets", "Checkpoints", "Interchange", "Records", "Configuration", "Engine", "Scoring",
      ],
      swiftSettings: strictHot),
    .target(
      name: "Debugging",
      dependencies: ["Kernels", "GRUCore", "ReferenceModels", "Collectives", "Records", "Engine"],
      swiftSettings: strict),
    .target(
      name: "Runs",
      dependencies: [
        "Timeline", "Hooks", "Debugging", "Kernels", "Tasks", "Cells", "GRUCore", "Collectives",
        "Corpora", "Batches", "Datasets", "Checkpoints", "Interchange", "Records", "Configuration",
        "Engine", "Traces", "Scoring", "WarmStarts", "NumericContract",
      ],
      swiftSettings: strict),
    .target(
      name: "Studies",
      dependencies: [
        "Kernels", "Tasks", "Cells", "GRUCore", "Collectives", "Corpora", "Batches", "Datasets",
        "Records", "Configuration", "Engine", "Traces", "Scoring", "Debugging", "Runs",
      ],
      swiftSettings: strict),
    .target(
      name: "Supervision", dependencies: ["Records", "Configuration", "Checkpoints"],
      swiftSettings: strict),
    .target(
      name: "Catalog",
      dependencies: [
        "NumericContract", "Tasks", "Records", "Corpora", "Checkpoints", "Configuration",
      ],
      swiftSettings: strict),
    .target(name: "CSockets"),
    .target(
      name: "WebServer", dependencies: ["CSockets", "CZlib", "Records"], swiftSettings: strict),
    .target(name: "CPage", exclude: ["page"]),
    .target(
      name: "Dashboard", dependencies: ["CPage", "Records", "WebServer", "Tasks"],
      swiftSettings: strictHot),
    .executableTarget(
      name: "gru-dist",
      dependencies: [
        "Supervision", "Dashboard", "Catalog", "Studies", "Runs", "WarmStarts", "Prediction",
        "Scoring", "Traces", "Engine", "Checkpoints", "Corpora", "MPICollectives", "Collectives",
        "GRUCore", "Cells", "Kernels", "Tasks", "Records", "Configuration",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "mpi-conformance", dependencies: ["Kernels", "Collectives", "MPICollectives"],
      swiftSettings: strict),
    .executableTarget(
      name: "lab-switch", dependencies: ["CPlatform", "Records"], swiftSettings: strictHot),
    .target(
      name: "LaunchEnvironment", path: "Tests/LaunchEnvironment", swiftSettings: common),
    .testTarget(
      name: "CollectivesTests",
      dependencies: ["Kernels", "Collectives", "mpi-conformance", "LaunchEnvironment"],
      swiftSettings: common),
    .testTarget(
      name: "GRUCoreTests", dependencies: ["Cells", "GRUCore", "ReferenceModels", "Kernels"],
      swiftSettings: common),
    .testTarget(
      name: "NumericContractTests", dependencies: ["NumericContract"],
      swiftSettings: common),
    .testTarget(
      name: "KernelsTests", dependencies: ["NumericContract", "SIMDKernels", "Kernels"],
      swiftSettings: hot),
    .testTarget(
      name: "CheckpointsTests",
      dependencies: ["NumericContract", "Records", "Checkpoints", "Corpora"],
      swiftSettings: common),
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "Records", "Configuration", "Engine", "Kernels", "Cells", "GRUCore", "Collectives",
        "Corpora", "Datasets", "NumericContract",
      ],
      swiftSettings: common),
    .testTarget(
      name: "TracesTests", dependencies: ["Timeline", "Collectives", "Records", "Traces"],
      swiftSettings: common),
    .testTarget(
      name: "RunsTests",
      dependencies: [
        "Runs", "Scoring", "Engine", "Kernels", "Tasks", "GRUCore", "Collectives", "Corpora",
        "Datasets", "Checkpoints", "Records", "Configuration", "Debugging", "Studies",
        "NumericContract",
      ],
      swiftSettings: common),
    .testTarget(
      name: "WarmStartsTests", dependencies: ["Corpora", "Tables", "WarmStarts"],
      swiftSettings: common),
    .testTarget(
      name: "StudiesTests",
      dependencies: ["Studies", "Runs", "Cells", "GRUCore", "Records", "Kernels"],
      swiftSettings: common),
    .testTarget(
      name: "ConfigurationTests", dependencies: ["Configuration", "Tasks", "Records"],
      swiftSettings: common),
    .testTarget(name: "HooksTests", dependencies: ["Hooks", "Records"], swiftSettings: common),
    .testTarget(name: "RecordsTests", dependencies: ["Records"], swiftSettings: common),
    .testTarget(name: "TasksTests", dependencies: ["Tasks"], swiftSettings: common),
    .testTarget(
      name: "DatasetsTests",
      dependencies: [
        "Batches", "Tables", "Datasets", "TextSequences", "Tasks", "NumericContract", "Records",
        "Corpora",
      ],
      swiftSettings: common),
    .testTarget(
      name: "ScoringTests",
      dependencies: [
        "Scoring", "Records", "Datasets", "Tasks", "Corpora", "Kernels", "Cells", "GRUCore",
        "Collectives", "Engine", "Tables",
      ],
      swiftSettings: common),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "gru-dist", "Records", "Configuration", "Tasks", "Collectives", "Prediction",
        "LaunchEnvironment",
      ],
      swiftSettings: common),
    .testTarget(
      name: "GoldenTests", dependencies: ["gru-dist", "LaunchEnvironment"],
      exclude: ["Version1", "Version2", "record"], swiftSettings: common),
    .testTarget(
      name: "SupervisionTests",
      dependencies: [
        "Records", "Supervision", "gru-dist", "lab-switch", "LaunchEnvironment",
      ],
      swiftSettings: common),
    .testTarget(
      name: "CorporaTests", dependencies: ["NumericContract", "Records", "Corpora"],
      swiftSettings: common),
    .testTarget(
      name: "DashboardTests",
      dependencies: ["Records", "Dashboard", "WebServer"],
      swiftSettings: common),
    .testTarget(
      name: "WebServerTests", dependencies: ["CSockets", "WebServer", "Records"],
      swiftSettings: common),
    .testTarget(
      name: "InterchangeTests",
      dependencies: ["Interchange", "Cells", "GRUCore", "ReferenceModels"],
      swiftSettings: common),
    .testTarget(name: "HouseTests", swiftSettings: common),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .testTarget(
      name: "ReliabilityTests",
      dependencies: [
        "AllocationCounter", "Records", "Configuration", "Batches", "Tables", "Datasets",
        "TextSequences", "Tasks", "Engine", "Runs", "Kernels", "GRUCore", "Collectives", "Corpora",
        "Checkpoints", "NumericContract",
      ],
      swiftSettings: common),
  ],
  swiftLanguageModes: [.v6]
)

// libFuzzer brings a main function of its own, so that its program is built only when asked for.
if Context.environment["GRU_DIST_FUZZERS"] != nil {
  let fuzzer: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])]
  // It learns from the ways that a case takes through these.
  let read = ["Records", "Checkpoints", "Corpora", "Configuration"]
  for target in package.targets where read.contains(target.name) {
    target.swiftSettings = (target.swiftSettings ?? []) + fuzzer
  }
  package.products.append(.executable(name: "fuzz-readers", targets: ["fuzz-readers"]))
  package.targets.append(
    .executableTarget(
      name: "fuzz-readers",
      dependencies: [
        "Configuration", "Checkpoints", "Corpora", "Scoring", "NumericContract", "Records",
      ],
      path: "Tests/Fuzzers", swiftSettings: common + fuzzer,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}
