import Foundation
import Testing

@Suite(.serialized) struct BadInputTests {
  /// A command line that must fail, its status, and what its only complaint must say.
  struct Case: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var status: Int32 = 2
    var words: [String]
    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let cases = [
    Case(arguments: ["absent.json"], words: ["absent.json: no such config file"]),
    Case(arguments: ["folder"], words: ["folder: expected a config file, found a directory"]),
    Case(arguments: ["empty.txt"], words: ["empty.txt: the file is empty, expected a config"]),
    Case(arguments: ["syntax.json"], words: ["syntax.json:2:11: not JSON: expected a value"]),
    Case(arguments: ["unknown.json"], words: ["unknown.json:2:12: model.hiden", "model.hidden?"]),
    Case(
      arguments: ["config.json", "--set", "model.hidden=big"],
      words: ["model.hidden: expected an integer", "found \"big\""]),
    Case(
      arguments: ["config.json", "--set", "modle.hidden=3"],
      words: ["--set modle.hidden=3: modle: unknown key", "model?"]),
    Case(
      arguments: ["config.json", "--set", "batch.shards=5"],
      words: ["5 shards do not divide batch.sequences, which is 16", "1, 2, 4, 8, 16"]),
    Case(arguments: ["config.json", "--threads", "0"], words: ["--threads: expected 1 to 4096"]),
    Case(arguments: ["config.json", "--steps", "0"], words: ["--steps 0: run.steps"]),
    Case(arguments: ["config.json", "--isa", "mmx"], words: ["'mmx'", "auto, portable"]),
    Case(arguments: ["config.json", "--frobnicate"], words: ["Unknown option '--frobnicate'"]),
    Case(arguments: ["config.json", "--resume", "--overwrite"], words: ["give one of them"]),
    Case(
      arguments: ["config.json", "--set", "data.train=absent.txt"],
      words: ["absent.txt", "does not exist"]),
    Case(
      arguments: ["config.json", "--set", "data.train=empty.txt"], words: ["empty.txt", "empty"]),
    Case(
      arguments: ["config.json", "--set", "data.train=short.txt"],
      words: ["too short", "expected at least 193"]),
    Case(
      arguments: [
        "config.json", "--set", "data.tokenizer=character", "--set",
        "data.train=binary.txt",
      ],
      words: ["not UTF-8", "offset 3"]),
    Case(arguments: ["config.json", "--run-directory", "folder"], words: ["exists already"]),
    Case(
      arguments: ["config.json", "--run-directory", "folder", "--overwrite"],
      words: ["holds other files and no run"]),
    Case(
      arguments: ["config.json", "--run-directory", "folder", "--resume"],
      words: ["holds other files and no run"]),
    Case(arguments: ["config.json", "--run-directory", "text.txt"], words: ["is a file"]),
    Case(
      arguments: ["config.json", "--set", "model.hidden=65536", "--set", "model.layers=64"],
      words: ["of memory", "lower model.hidden"]),
    Case(arguments: ["sample", "absent"], words: ["no checkpoint at 'absent'"]),
    Case(arguments: ["inspect", "folder"], words: ["no checkpoint at 'folder'"]),
    Case(arguments: ["evaluate", "absent"], words: ["no checkpoint at 'absent'"]),
    Case(
      arguments: ["bench", "step", "--warmup", "9223372036854775807"],
      words: ["--warmup: expected 0 to 1048576"]),
    Case(arguments: ["bench", "step", "--hidden", "0"], words: ["--hidden: expected 1"]),
    Case(
      arguments: ["bench", "step", "--batch", "7", "--shards", "3"],
      words: ["--shards 3: batch.shards: 3 shards do not divide batch.sequences"]),
    Case(arguments: ["bench", "peak", "--seconds", "0"], words: ["--seconds: expected"]),
  ]

  private static func prepare(_ place: Workplace) throws {
    try FileManager.default.createDirectory(
      atPath: place.path("folder"), withIntermediateDirectories: true)
    try place.write("folder/precious", "keep me")
    try place.write("syntax.json", "{\n  \"data\": }")
    try place.write(
      "unknown.json", "{\"data\": {\"train\": \"text.txt\"},\n \"model\": {\"hiden\": 1}}")
    try place.write("empty.txt", "")
    try place.write("short.txt", "too short")
    try Data([65, 66, 67, 0xFF, 68]).write(to: place.folder.appendingPathComponent("binary.txt"))
  }

  @Test(arguments: cases) func badInputFailsClearlyAndChangesNoFile(_ bad: Case) throws {
    let place = try Workplace()
    try Self.prepare(place)
    let job = try Program(bad.arguments, in: place.folder)
    #expect(job.status == bad.status, "\(job)")
    #expect(job.complaints.count == 1, "\(job)")
    for words in bad.words {
      #expect(job.complaints.first?.contains(words) == true, "\(words) in \(job)")
    }
    #expect(job.output.isEmpty, "\(job)")
    #expect(!place.exists("run/metrics.jsonl"))
    #expect(try place.names(in: "folder") == ["precious"])
  }

  @Test func mpiPrintsTheErrorOnceAndEndsEveryRank() throws {
    let place = try Workplace()
    try Self.prepare(place)
    for index in [0, 2, 3, 4, 6, 9, 11, 15, 20] {
      let bad = Self.cases[index]
      let job = try Program(bad.arguments, ranks: 3, in: place.folder, secondsAllowed: 60)
      #expect(job.status == bad.status, "\(job)")
      #expect(job.complaints.count == 1, "\(job)")
      for words in bad.words {
        #expect(job.complaints.first?.contains(words) == true, "\(words) in \(job)")
      }
    }
    let crowd = try place.run("config.json", ranks: 9)
    #expect(crowd.status == 2, "\(crowd)")
    #expect(crowd.complaints.count == 1, "\(crowd)")
    #expect(crowd.errors.contains("9 ranks need a shard each"), "\(crowd)")
    let debug = try place.run("config.json", "--debug", ranks: 2)
    #expect(debug.status == 2, "\(debug)")
    #expect(debug.complaints.count == 1, "\(debug)")
  }

  @Test func overwriteRefusesDirectoriesThatAreNotRuns() throws {
    let place = try Workplace()
    for folder in ["run", "run/checkpoints"] {
      try FileManager.default.createDirectory(
        atPath: place.path(folder), withIntermediateDirectories: true)
    }
    try place.write("run/checkpoints/precious", "")
    try place.write("run/config.json", "{}")
    let refused = try place.run("config.json", "--overwrite")
    #expect(refused.status == 2, "\(refused)")
    #expect(refused.complaints.first?.contains("no run, and is left as it is") == true)
    #expect(try place.names(in: "run/checkpoints") == ["precious"])
    #expect(try place.names(in: "run") == ["checkpoints", "config.json"])
  }

  @Test func existingRunIsKeptWithoutOverwrite() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let before = try place.trajectory()
    let refused = try place.run("config.json", "--set", "run.seed=2", ranks: 2)
    #expect(refused.status == 2, "\(refused)")
    #expect(refused.complaints.first?.contains("--resume") == true, "\(refused)")
    #expect(try place.trajectory() == before)
    let replaced = try place.run("config.json", "--set", "run.seed=2", "--overwrite", ranks: 2)
    #expect(replaced.status == 0, "\(replaced)")
    let after = try place.trajectory()
    #expect(after.count == before.count)
    #expect(after != before)
  }

  @Test func resumeRejectsChangedConfigAndNamesTheKey() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let before = try place.trajectory()
    let config = try String(contentsOfFile: place.path("run/config.json"), encoding: .utf8)
    let other = try place.run(
      "config.json", "--resume", "--steps", "20", "--set", "model.hidden=25", "--set",
      "batch.window=10", "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1",
      ranks: 2)
    #expect(other.status == 2, "\(other)")
    let complaint = try #require(other.complaints.first)
    #expect(complaint.contains("model.hidden is 24 in the checkpoint and 25 now"))
    #expect(complaint.contains("batch.window is 12 in the checkpoint and 10 now"))
    #expect(complaint.contains("optimizer.name is \"adam\" in the checkpoint and \"sgd\" now"))
    #expect(!complaint.contains("learning_rate"))
    try place.write("text.txt", String(repeating: "another text entirely. ", count: 800))
    let text = try place.run("config.json", "--resume", "--steps", "20")
    #expect(text.status == 2, "\(text)")
    #expect(text.complaints.first?.contains("the content of data.train") == true, "\(text)")
    #expect(try place.trajectory() == before)
    #expect(
      try String(contentsOfFile: place.path("run/config.json"), encoding: .utf8) == config)
  }

  @Test func runDirectoryInUseIsRefused() throws {
    let place = try Workplace()
    let folder = place.folder
    var second: Program?
    let first = try place.run("config.json", "--steps", "1000000") { process in
      let metrics = folder.appendingPathComponent("run/metrics.jsonl")
      guard FileManager.default.fileExists(atPath: metrics.path) else { return false }
      second = try? Program(["config.json", "--resume"], in: folder)
      kill(process.processIdentifier, SIGTERM)
      return true
    }
    #expect(first.status == 75, "\(first)")
    let refused = try #require(second)
    #expect(refused.status == 1, "\(refused)")
    #expect(refused.complaints.first?.contains("is in use by process") == true, "\(refused)")
  }

  @Test func nonFiniteLossEndsTheRunWithOneError() throws {
    let place = try Workplace()
    let job = try place.run(
      "config.json", "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=3e38",
      "--set", "optimizer.clip_norm=0", "--set", "optimizer.schedule.warmup_steps=0", ranks: 3)
    #expect(job.status == 1, "\(job)")
    #expect(job.complaints.count == 1, "\(job)")
    #expect(job.complaints.first?.contains("expected finite values; first in") == true, "\(job)")
  }

  @Test func nonFiniteParametersAreNotSaved() throws {
    let place = try Workplace()
    let job = try place.run(
      "config.json", "--set", "optimizer.learning_rate=3e38", "--set", "optimizer.clip_norm=0",
      "--set", "optimizer.schedule.warmup_steps=0", "--set", "run.checkpoint_every=1",
      "--set", "run.validate_every=1", ranks: 2)
    #expect(job.status == 1, "\(job)")
    #expect(job.complaints.count == 1, "\(job)")
    #expect(job.complaints.first?.contains("step 1: not a finite value in") == true, "\(job)")
    let saved = try? FileManager.default.contentsOfDirectory(
      atPath: place.path("run/checkpoints"))
    #expect(saved ?? [] == [], "\(saved ?? [])")
  }
}
