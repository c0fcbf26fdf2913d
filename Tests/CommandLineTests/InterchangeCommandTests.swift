import Foundation
import Records
import Testing

@Suite(.serialized) struct InterchangeCommandTests {
  private static let after = ["--set", "model.reset=after"]

  @Test(arguments: ["torch", "keras"])
  func exportedModelImportsBitIdentically(format: String) throws {
    let place = try Workplace()
    func run(_ arguments: [String], status: Int32 = 0) throws -> Program {
      let job = try Program(arguments, in: place.folder)
      #expect(job.status == status, "\(job)")
      return job
    }
    _ = try run(["config.json", "--stop-after", "6"] + Self.after, status: 75)
    _ = try run(["export", "run", "--format", format, "--output", "model.safetensors"])
    _ = try run(
      ["import", "model.safetensors", "--format", format, "config.json", "--run-directory", "copy"]
        + Self.after)
    func fingerprint(_ path: String) throws -> OrderedJSON? {
      try OrderedJSON(parsing: run(["inspect", path, "--json"]).output)["fingerprint"]
    }
    #expect(try fingerprint("run") == fingerprint("copy"))
    _ = try run(["export", "copy", "--format", format, "--output", "again.safetensors"])
    let contents = try ["model", "again"].map { name in
      try Data(contentsOf: place.folder.appendingPathComponent("\(name).safetensors"))
    }
    // All but the step in the header.
    #expect(contents[0].suffix(4 * 1000) == contents[1].suffix(4 * 1000))

    _ = try run(["config.json", "--run-directory", "copy", "--resume"] + Self.after)
    #expect(try place.records("copy").contains { $0["kind"] == "train" && $0["step"] == 10 })
  }

  /// Tasks with real inputs, with and without a direction from the end and scales of the targets.
  @Test(arguments: [
    #"{"task": "classification", "model": {"bidirectional": true, "MODEL"}"#,
    #"{"task": "forecasting", "model": {"MODEL"}"#,
    #"{"task": "forecasting", "output": {"loss": "quantile", "quantiles": [0.2, 0.5]}, "#
      + #""model": {"MODEL"}"#,
  ])
  func modelsOfOtherTasksRoundTrip(head: String) throws {
    let place = try Workplace()
    let isForecast = head.contains("forecasting")
    let rows = (0..<60).flatMap { sequence in
      (0..<3 + sequence % 4).map { step in
        "\(sequence),\(step * (sequence % 2 * 2 - 1)),\(step % 3),\(sequence % 2 == 0 ? "a" : "b")"
      }
    }
    try place.write("data.csv", (["sequence,x,y,label"] + rows).joined(separator: "\n"))
    let model = #""cell": "gru", "reset": "after", "hidden": 10, "layers": 2"#
    let data =
      isForecast
      ? #""train": "data.csv", "columns": ["x", "y"], "targets": ["y"], "horizon": 2"#
      : #""train": "data.csv""#
    try place.write(
      "task.json",
      head.replacingOccurrences(of: #""MODEL""#, with: model) + """
        , "data": {\(data)}, "batch": {"sequences": 8, "window": 12, "shards": 8},
         "run": {"directory": "run", "steps": 4, "validate_every": 0}}
        """)
    func run(_ arguments: String...) throws -> Program {
      let job = try Program(arguments, in: place.folder)
      #expect(job.status == 0, "\(job)")
      return job
    }
    _ = try run("task.json")
    for name in ["m.torch", "m.onnx"] {
      _ = try run("export", "run", "--format", String(name.dropFirst(2)), "--output", name)
      let text = String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: place.path(name))), as: UTF8.self)
      let own = isForecast ? "target_mean" : "classes"
      let levels = head.contains("quantile") ? ["quantiles", "[0.2,0.5]"] : []
      for word in ["input_deviation", own, "readout", "columns"] + levels {
        #expect(text.contains(word), "\(name): \(word)")
      }
    }
    _ = try run("import", "m.torch", "task.json", "--run-directory", "copy")
    func fingerprint(_ path: String) throws -> OrderedJSON? {
      try OrderedJSON(parsing: run("inspect", path, "--json").output)["fingerprint"]
    }
    #expect(try fingerprint("run") == fingerprint("copy"))
    _ = try run("export", "copy", "--format", "torch", "--output", "again.torch")
    let contents = try ["m.torch", "again.torch"].map {
      try Data(contentsOf: URL(fileURLWithPath: place.path($0)))
    }
    // All but the step in the header.
    #expect(contents[0].suffix(4 * 500) == contents[1].suffix(4 * 500))
    _ = try run("task.json", "--run-directory", "copy", "--resume")

    let keras = try place.run("export", "run", "--format", "keras", "--output", "m.keras")
    #expect(keras.status == 2, "\(keras)")
    #expect(keras.errors.contains("read a token and predict the next"), "\(keras)")
    try place.write("data.csv", (["sequence,x,y,label"] + rows.dropLast(9)).joined(separator: "\n"))
    let other = try place.run("import", "m.torch", "task.json", "--run-directory", "other")
    #expect(other.status == 2, "\(other)")
    #expect(other.errors.contains("other training data"), "\(other)")
  }

  /// Nothing is written where one of the files could not be.
  @Test func placesOfFilesAreCheckedFirst() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--steps", "2").status == 0)
    let before = try place.names(in: ".")
    for (output, vocabulary, words) in [
      ("q", "q", "is the file of --output"), ("q", "./q", "is the file of --output"),
      ("run/q", "run/../run/q", "is the file of --output"),
      ("q", "nowhere/v", "--vocabulary: 'nowhere/v' cannot be written: there is no directory"),
      ("nowhere/q", "v", "--output: 'nowhere/q' cannot be written: there is no directory"),
      ("text.txt/q", "v", "'text.txt' is a file"),
    ] {
      let job = try place.run(
        "export", "run", "--format", "onnx", "--output", output, "--vocabulary", vocabulary)
      #expect(job.status == 2 && job.errors.contains(words), "\(job)")
    }
    #expect(try place.names(in: ".") == before)
    for (options, words) in [
      (["--output", "nowhere/t"], "there is no directory 'nowhere'"),
      (["--output", "t", "--vocabulary-limit", "-1"], "--vocabulary-limit: expected 0"),
    ] {
      let job = try Program(
        ["prepare", "text.txt", "--tokenizer", "word"] + options, in: place.folder)
      #expect(job.status == 2 && job.errors.contains(words), "\(job)")
    }
    #expect(try place.names(in: ".") == before)
  }

  @Test func tiedWeightsRoundTrip() throws {
    let place = try Workplace()
    let tied = Self.after + ["--set", "model.tie_weights=true", "--set", "model.embedding=24"]
    #expect(try Program(["config.json"] + tied, in: place.folder).status == 0)
    let export = try place.run("export", "run", "--format", "torch", "--output", "m.safetensors")
    #expect(export.status == 0, "\(export)")
    func read(_ name: String, _ changes: [String]) throws -> Program {
      try Program(
        ["import", "m.safetensors", "config.json", "--run-directory", name] + changes,
        in: place.folder)
    }
    let again = try read("tied", tied)
    #expect(again.status == 0, "\(again)")
    // An output layer of its own takes them as well, and what is not tied cannot be.
    let untied = Self.after + ["--set", "model.embedding=24"]
    #expect(try read("untied", untied).status == 0)
    #expect(
      try Program(
        ["config.json", "--run-directory", "untied", "--resume"] + untied,
        in: place.folder
      ).status == 0)
    let trained = try place.run(
      "export", "untied", "--format", "torch", "--output", "n.safetensors")
    #expect(trained.status == 0, "\(trained)")
    let mismatch = try Program(
      ["import", "n.safetensors", "config.json", "--run-directory", "other"] + tied,
      in: place.folder)
    #expect(mismatch.status == 2, "\(mismatch)")
    #expect(mismatch.errors.contains("tie_weights=false"), "\(mismatch)")
  }

  @Test func modelsThatAFormatCannotHoldAreErrors() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let torch = try place.run("export", "run", "--format", "torch", "--output", "a.safetensors")
    #expect(torch.status == 2, "\(torch)")
    #expect(torch.errors.contains("--format onnx or keras"), "\(torch)")
    #expect(!place.exists("a.safetensors"))

    let onnx = try place.run("export", "run", "--format", "onnx", "--output", "a.onnx", "--json")
    #expect(onnx.status == 0, "\(onnx)")
    #expect(try OrderedJSON(parsing: onnx.output)["kind"] == "export")
    let twice = try place.run("export", "run", "--format", "onnx", "--output", "a.onnx")
    #expect(twice.status == 2, "\(twice)")
    #expect(twice.errors.contains("exists already"), "\(twice)")

    let noTensors = try place.run("import", "config.json", "config.json", "--run-directory", "b")
    #expect(noTensors.status == 2, "\(noTensors)")
    #expect(noTensors.errors.contains("expected a safetensors file"), "\(noTensors)")
    #expect(!place.exists("b"))
  }
}
