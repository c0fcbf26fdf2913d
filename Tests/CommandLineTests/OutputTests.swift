import Foundation
import LaunchEnvironment
import Records
import Testing

/// What is lost, replaced or read in its own output is told.
@Suite(.serialized) struct OutputTests {
  private static let make = [
    "config.json", "--steps", "6", "--threads", "1", "--set", "model.hidden=8",
    "--set", "run.checkpoint_every=3", "--set", "run.validate_every=3",
  ]

  /// Runs a line of the shell in which `$G` is the program.
  private func shell(
    _ line: String, in place: Workplace, secondsAllowed: Double = 60
  ) throws -> (status: Int32, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "set -o pipefail; { \(line)\n} 2>errors"]
    process.currentDirectoryURL = place.folder
    process.environment = LaunchEnvironment.values.merging(["G": Program.path]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    #expect(try process.runToItsEnd(within: secondsAllowed), "\(line)")
    let errors = try String(contentsOfFile: place.path("errors"), encoding: .utf8)
    return (process.terminationStatus, errors)
  }

  #if os(Linux)
    @Test func lostOutputIsAnError() throws {
      let place = try Workplace()
      #expect(try Program(Self.make, in: place.folder).status == 0)
      for command in [
        "metrics run", "inspect run", "inspect run --json", "sample run --length 20",
        "evaluate run", "evaluate run --json", "check config.json", "check config.json --json",
        "prepare text.txt --output o.tokens --tokenizer byte", "--help", "--version",
        "--generate-completion-script bash", "bench peak --seconds 0.01",
        "export run --format keras --output o.keras",
      ] {
        let full = try shell("\"$G\" \(command) >/dev/full", in: place)
        #expect(full.status == 1, "\(command): \(full)")
        #expect(full.errors.contains("cannot write standard output: No space left"), "\(full)")
        try? FileManager.default.removeItem(atPath: place.path("o.tokens"))
        try? FileManager.default.removeItem(atPath: place.path("o.keras"))
        let closed = try shell("\"$G\" \(command) >&-", in: place)
        #expect(closed.status == 1, "\(command): \(closed)")
        #expect(closed.errors.contains("standard output: it is closed"), "\(closed)")
        try? FileManager.default.removeItem(atPath: place.path("o.tokens"))
        try? FileManager.default.removeItem(atPath: place.path("o.keras"))
      }
      let train = Self.make.joined(separator: " ") + " --run-directory other"
      let full = try shell("\"$G\" \(train) >/dev/full", in: place)
      #expect(full.status == 1, "\(full)")
      #expect(full.errors.contains("training goes on"), "\(full)")
      #expect(try place.trajectory("other") == place.trajectory())
    }
  #endif

  @Test func aReaderThatIsGoneEndsTheWorkQuietly() throws {
    let place = try Workplace()
    #expect(try Program(Self.make, in: place.folder).status == 0)
    let sample = try shell("\"$G\" sample run --length 50000000 | head -c 100", in: place)
    #expect(sample.status == 141 && sample.errors.isEmpty, "\(sample)")
    let metrics = try shell("\"$G\" metrics run | (exec <&-; sleep 1)", in: place)
    #expect(metrics.errors.isEmpty, "\(metrics)")
    let train = Self.make.joined(separator: " ") + " --run-directory other"
    let training = try shell("\"$G\" \(train) | true", in: place)
    #expect(training.status == 0, "\(training)")
    #expect(try place.trajectory("other") == place.trajectory())
  }

  @Test func pipesInThePlaceOfFilesNeverHang() throws {
    let place = try Workplace()
    #expect(try Program(Self.make, in: place.folder).status == 0)
    _ = try shell("mkfifo pipe; mkdir fifos && cp -r run fifos/r", in: place)
    for command in [
      "pipe", "check config.json --set data.train=pipe", "evaluate run --text pipe",
      "prepare pipe --output o --tokenizer byte", "prepare text.txt --output pipe --tokenizer byte",
      "prepare text.txt --output pipe --tokenizer byte --overwrite",
      "prepare text.txt --output o --tokenizer-from pipe",
      "import pipe config.json --run-directory i", "export run --format onnx --output pipe",
      "daemon --np 1 config.json --hostfile pipe",
    ] {
      let run = try shell("\"$G\" \(command)", in: place, secondsAllowed: 20)
      #expect(run.status == 2, "\(command): \(run)")
    }
    for name in ["metrics.jsonl", "config.json"] {
      for option in ["--resume --steps 9", "--overwrite"] {
        _ = try shell("rm fifos/r/\(name); mkfifo fifos/r/\(name)", in: place)
        let run = try shell(
          "\"$G\" config.json --threads 1 --set model.hidden=8 --run-directory fifos/r \(option)",
          in: place, secondsAllowed: 30)
        #expect(run.status != 0, "\(name) \(option): \(run)")
        #expect(run.errors.contains("a pipe"), "\(name) \(option): \(run)")
        _ = try shell("rm -r fifos/r; cp -r run fifos/r", in: place)
      }
    }
    let served = try shell(
      "(sleep 0.5; cat text.txt > pipe) & \"$G\" prepare pipe <(echo a) --output p --tokenizer word"
        + "; s=$?; wait; (cat text.txt; echo a) > whole; "
        + "\"$G\" prepare text.txt --output w --tokenizer word <(echo a); "
        + "(exit $s)", in: place)
    #expect(served.status == 0, "\(served)")
  }

  @Test func onlyRegularFilesAreReplaced() throws {
    let place = try Workplace()
    let tokens = "prepare text.txt --tokenizer byte --overwrite --output"
    _ = try shell(
      "ln -s /dev/null null; ln -s nowhere gone; echo old > old; ln -s old link", in: place)
    for (output, words) in [
      ("/dev/null", "is a device"), ("null", "is a device"), (".", "is a directory"),
      ("gone", "leads to nothing"), ("text.txt", "which is read"),
    ] {
      let run = try shell("\"$G\" \(tokens) \(output)", in: place)
      #expect(run.status == 2 && run.errors.contains(words), "\(output): \(run)")
    }
    #expect(try shell("[ -c /dev/null ] && [ -h gone ]", in: place).status == 0)
    let linked = try shell(
      "\"$G\" \(tokens) link && [ -h link ] && [ $(wc -c < old) -gt 4096 ]", in: place)
    #expect(linked.status == 0, "\(linked)")
    #expect(try place.run("bench").status == 2)
  }

  @Test func noCommandReadsOrOverwritesItsOwnFiles() throws {
    let place = try Workplace()
    _ = try shell("mkdir d; echo one > d/a.txt; echo two > d/b.txt", in: place)
    let twice = "\"$G\" prepare d --output d/x --tokenizer byte"
    let first = try shell(
      "seq 5 | \(twice) - --json > d/log && grep -q '\"text_bytes\":18' d/log", in: place)
    #expect(first.status == 0, "\(first)")
    _ = try shell("rm d/log", in: place)
    let again = try shell("\(twice) --overwrite --json | grep -q '\"text_bytes\":8'", in: place)
    #expect(again.status == 0, "\(again)")
    for line in [
      "\"$G\" prepare d --output d/b.txt --tokenizer byte --overwrite",
      "\"$G\" prepare - --output d/b.txt --tokenizer byte --overwrite < d/b.txt",
      "\"$G\" prepare text.txt --output d/x --tokenizer-from d/x --overwrite",
      "\"$G\" prepare d/a.txt --output o --tokenizer byte >> d/a.txt",
    ] {
      let run = try shell(line, in: place)
      #expect(run.status == 2, "\(line): \(run)")
    }
    #expect(try String(contentsOfFile: place.path("d/b.txt"), encoding: .utf8) == "two\n")
    #expect(try String(contentsOfFile: place.path("d/a.txt"), encoding: .utf8) == "one\n")
  }

  @Test func anInterruptedPreparationLeavesNothing() throws {
    let place = try Workplace()
    for signal in ["TERM", "KILL", "HUP"] {
      let killed = try shell(
        "rm -rf d; mkdir d; (cat text.txt; sleep 3) | "
          + "\"$G\" prepare - --output d/x --tokenizer word & p=$!; sleep 0.5; "
          + "kill -\(signal) $p; wait $p; [ -z \"$(ls -A d)\" ]", in: place)
      #expect(killed.status == 0, "\(signal): \(killed)")
    }
  }
}
