import Collectives
import Foundation
import Prediction
import Records
import Testing

/// Predictions equal what evaluation saw, and do not depend on how they are computed.
@Suite(.serialized) struct PredictCommandTests {
  /// A workplace with a classifier of sequences of 1 to 15 steps, and a forecaster.
  private static func make() throws -> Workplace {
    let place = try Workplace()
    var rows = ["sequence,x,y,label"]
    for sequence in 0..<240 {
      let slope = sequence % 3 - 1
      for step in 0..<1 + sequence * 7 % 15 {
        let noise = Double((sequence * 31 + step * 17) % 100) / 50
        let label = ["down", "flat", "up"][slope + 1]
        rows.append("s\(sequence),\(Double(slope * step) + noise),\(noise),\(label)")
      }
    }
    try place.write("labelled.csv", rows.joined(separator: "\n"))
    try place.write(
      "classes.json",
      """
      {"task": "classification", "data": {"train": "labelled.csv", "valid": "labelled.csv"},
       "model": {"hidden": 8, "reset": "after", "bidirectional": true},
       "batch": {"sequences": 8, "window": 15, "shards": 8},
       "run": {"directory": "classes", "steps": 30, "validate_every": 30}}
      """)
    try place.write("series.csv", series(rows: 600))
    try place.write(
      "series.json",
      """
      {"task": "forecasting", "data": {"train": "series.csv", "valid_fraction": 0.3,
       "sequence": null, "columns": ["a", "b"], "targets": ["a"], "horizon": 3, "stride": 2},
       "model": {"hidden": 8}, "batch": {"sequences": 8, "window": 10, "shards": 8},
       "run": {"directory": "series", "steps": 20, "validate_every": 20}}
      """)
    for config in ["classes.json", "series.json"] {
      let job = try place.run(config, "--threads", "1")
      try #require(job.status == 0, "\(job)")
    }
    return place
  }

  private static func series(rows: Int) -> String {
    let body = (0..<rows).map { row in
      let angle = Double(row) / 4
      return "\(row),\(20 * sin(angle) + 100 + Double(row * 7 % 5)),\(cos(angle / 3))"
    }
    return "hour,a,b\n" + body.joined(separator: "\n")
  }

  private static func fields(_ text: String) -> [[String]] {
    text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  private static func number(_ record: OrderedJSON, _ name: String) throws -> Double {
    try #require(record[name]?.doubleValue, "\(name) of \(record.line)")
  }

  private static func evaluation(_ run: String, _ data: String, _ place: Workplace) throws
    -> OrderedJSON
  {
    let job = try place.run("evaluate", run, "--text", data, "--json")
    try #require(job.status == 0, "\(job)")
    return try OrderedJSON(parsing: try #require(job.lines.last))
  }

  @Test func classesEqualThoseEvaluationCounts() throws {
    let place = try Self.make()
    let labelled = Self.fields(
      try String(contentsOfFile: place.path("labelled.csv"), encoding: .utf8))
    // Other columns in another order, and no labels.
    try place.write(
      "new.csv",
      labelled.enumerated().map { row, cells in
        [cells[2], row == 0 ? "remark" : "\"a, b\"", cells[0], cells[1]].joined(separator: ",")
      }.joined(separator: "\n"))
    let job = try place.run("predict", "classes", "new.csv", "--top", "3", "--keep", "remark")
    try #require(job.status == 0, "\(job)")
    #expect(job.errors.contains("240 sequences predicted"), "\(job)")
    let lines = job.lines
    #expect(
      lines[0]
        == "sequence,remark,class_1,probability_1,class_2,probability_2,class_3,probability_3")
    #expect(lines.count == 241)
    let truth = Dictionary(labelled.dropFirst().map { ($0[0], $0[3]) }) { first, _ in first }
    var (right, loss) = (0.0, 0.0)
    for (index, line) in lines.dropFirst().enumerated() {
      let cells = Self.fields(line.replacing("\"a, b\"", with: "-"))[0]
      #expect(cells[0] == "s\(index)")
      let label = try #require(truth[cells[0]])
      right += cells[2] == label ? 1 : 0
      let rank = try #require([2, 4, 6].first { cells[$0] == label })
      loss -= log(try #require(Double(cells[rank + 1])))
    }
    let record = try Self.evaluation("classes", "labelled.csv", place)
    #expect(right / 240 == (try Self.number(record, "accuracy")))
    #expect(abs(loss / 240 - (try Self.number(record, "loss"))) < 1e-5)
  }

  /// Errors of the forecasts of all windows whose targets are there are those of evaluation, and
  /// the last window ends where the data end.
  @Test func forecastsEqualThoseEvaluationMeasures() throws {
    let place = try Self.make()
    let data = Self.fields(try String(contentsOfFile: place.path("series.csv"), encoding: .utf8))
      .dropFirst().map { Double($0[1]) ?? .nan }
    let job = try place.run("predict", "series", "series.csv", "--keep", "hour")
    try #require(job.status == 0, "\(job)")
    #expect(job.lines[0] == "hour,step,ahead,a")
    let state = try OrderedJSON(
      parsing: try String(
        contentsOfFile: place.path("series/checkpoints/step-00000020/state.json"),
        encoding: .utf8))
    guard case .array(let deviations)? = state["dataset"]?["deviations"] else {
      Issue.record("no deviations")
      return
    }
    let deviation = try #require(deviations[0].doubleValue)
    var (sum, count, lastStep) = (0.0, 0, 0)
    for cells in Self.fields(job.lines.dropFirst().joined(separator: "\n")) {
      let (step, ahead) = (try #require(Int(cells[1])), try #require(Int(cells[2])))
      #expect(cells[0] == "\(step - 1)")
      lastStep = step
      guard step + 3 <= data.count else { continue }
      let error = (try #require(Double(cells[3])) - data[step + ahead - 1]) / deviation
      (sum, count) = (sum + error * error, count + 1)
    }
    #expect(lastStep == 600)
    #expect(count == 3 * 294)
    let record = try Self.evaluation("series", "series.csv", place)
    let loss = try Self.number(record, "loss")
    #expect(abs(sum / Double(count) - loss) < 1e-5 * loss)

    let last = try place.run("predict", "series", "series.csv", "--last", "--format", "jsonl")
    #expect(last.lines.count == 1)
    let line = try OrderedJSON(parsing: last.lines[0])
    #expect(line["step"]?.integerValue == 600)
    guard case .array(let steps)? = line["forecast"] else {
      Issue.record("no forecast: \(line.line)")
      return
    }
    let ends = job.lines.suffix(3).map { $0.split(separator: ",").last.map(String.init) }
    #expect(steps.map { $0["a"]?.line } == ends)
  }

  /// 2,000 sequences, six times predicted in other company: other batches, threads, ranks, orders
  /// and instruction sets.
  @Test func bitsDependOnNothingButTheSequence() throws {
    let place = try Self.make()
    let sequences = (0..<2000).map { index -> String in
      (0...(index * 13 % 40)).map { step in
        "q\(index),\(Double(index * 37 % 101) / 10 + Double(step)),\(Double(step * 29 % 13))\n"
      }.joined()
    }
    func predict(
      _ sequences: [String], ranks: Int, change: (inout Prediction) -> Void
    ) throws -> Set<Substring> {
      try place.write("new.csv", "sequence,x,y\n" + sequences.joined())
      var prediction = Prediction(path: place.path("classes"))
      prediction.files = [place.path("new.csv")]
      prediction.output = place.path("out.csv")
      prediction.top = 3
      change(&prediction)
      let job = prediction
      if ranks == 1 {
        try job.run(on: SoloCommunicator())
      } else {
        _ = try ThreadWorld.run(ranks: ranks) { try job.run(on: $0) }
      }
      let lines = try String(contentsOfFile: place.path("out.csv"), encoding: .utf8)
        .split(separator: "\n").dropFirst()
      #expect(lines.count == sequences.count)
      // In the order of the input.
      let names = lines.map { $0.prefix { $0 != "," } }
      #expect(names == sequences.map { $0.prefix { $0 != "," } })
      return Set(lines)
    }
    let expected = try predict(sequences, ranks: 1) { $0.rows = 1 }
    #expect(expected.count == 2000)
    for round in 0..<6 {
      let (threads, rows) = (1 + round * 2 % 3, [1, 40, 7, 16, 29, 3][round])
      // 2,003 is prime: every place is taken once.
      let order = sequences.indices.sorted {
        ($0 + 1) * (617 + round) % 2003 < ($1 + 1) * (617 + round) % 2003
      }
      let found = try predict(order.map { sequences[$0] }, ranks: round % 3 + 1) {
        $0.threads = threads
        $0.rows = rows
        $0.instructionSet = round % 2 == 0 ? "auto" : "portable"
      }
      #expect(found == expected, "threads \(threads), rows \(rows), ranks \(round % 3 + 1)")
    }
  }

  /// A series that is read in several parts is forecast as one that is read at once.
  @Test func seriesGoOnFromPartToPart() throws {
    let place = try Self.make()
    let long = Self.series(rows: 9001).split(separator: "\n").map(String.init)
    try place.write("long.csv", long.joined(separator: "\n"))
    func predict(_ rows: Int, _ threads: Int) throws -> [String] {
      let job = try place.run(
        "predict", "series", "long.csv", "--batch", "\(rows)", "--threads", "\(threads)")
      try #require(job.status == 0, "\(job)")
      return job.lines
    }
    let whole = try predict(2000, 1)
    #expect(whole.count == 1 + 3 * 4497)
    #expect(try predict(1, 1) == whole)
    #expect(try predict(16, 2) == whole)
  }

  @Test func ranksSplitAFile() throws {
    let place = try Self.make()
    let one = try place.run("predict", "classes", "labelled.csv", "--threads", "1")
    let two = try place.run("predict", "classes", "labelled.csv", "--threads", "1", ranks: 2)
    #expect(one.status == 0 && two.status == 0, "\(one) \(two)")
    #expect(one.output == two.output)
    #expect(one.lines.count == 241)
  }

  @Test func faultsAreToldAndNothingIsLeft() throws {
    let place = try Self.make()
    func refused(_ words: String, status: Int32 = 2, _ arguments: String...) throws {
      let job = try Program(["predict"] + arguments, in: place.folder)
      #expect(job.status == status, "\(job)")
      #expect(job.errors.contains(words), "\(job)")
      #expect(!place.exists("out.csv"), "\(job)")
    }
    let new = ["classes", "labelled.csv"]
    try refused("does not exist", "classes", "none.csv", "--output", "out.csv")
    try refused("which is read", new[0], new[1], "--output", "labelled.csv")
    try refused("no column \"none\", which --keep names", new[0], new[1], "--keep", "none")
    try refused("only series have a last window", new[0], new[1], "--last")
    try refused("only classes and items are ranked", "series", "series.csv", "--top", "2")
    try refused("Unknown option", status: 2, new[0], new[1], "--fast")
    try place.write("keep.csv", "sequence,x,y,class\ns,1,2,a\n")
    try place.write("short.csv", "sequence,x\ns,1\n")
    try refused("no column \"y\"", "classes", "short.csv", "--output", "out.csv")
    try place.write("gap.csv", "sequence,x,y\ns,1,2\ns,,4\n")
    try refused(
      "line 3, column \"x\"", "classes", "gap.csv", "--output", "out.csv")
    try place.write("few.csv", "a,b\n1,2\n2,3\n")
    for more in [[], ["few.csv"]] {
      let few = try Program(
        ["predict", "series", "few.csv", "--output", "out.csv"] + more, in: place.folder)
      #expect(few.status == 2 && few.output.isEmpty && !place.exists("out.csv"), "\(few)")
      #expect(few.errors.contains("series of fewer than 10 steps"), "\(few)")
      #expect(
        few.errors.contains(
          "few.csv\(more.isEmpty ? "" : " and 1 other file")': there is no window to forecast: one "
            + "takes 10 steps, and no series has more than 2;"), "\(few)")
    }
    // One that is long enough stands, whatever the others are.
    let some = try place.run("predict", "series", "few.csv", "series.csv", "--last")
    #expect(some.status == 0 && some.lines.count == 4, "\(some)")
    #expect(some.errors.contains("few.csv: series of fewer than 10 steps"), "\(some)")
    try refused(
      "results would have two columns \"class\"", new[0], "keep.csv", "--keep", "class",
      "--format", "jsonl")
    try refused("in which form to write", new[0], new[1], "--output", "out.csv.gz")
  }

  /// Steps with classes are read in parts of a row, and states are those of whole sequences.
  @Test func categoriesAndLongSequencesAreTold() throws {
    let place = try Workplace()
    let rows = (0..<80).map { "s\($0 / 20),\($0 % 7),\($0 % 3 == 0 ? "red" : "blue"),\($0 % 2)" }
    try place.write("steps.csv", (["sequence,x,colour,label"] + rows).joined(separator: "\n"))
    let config = """
      {"task": "classification",
       "data": {"train": "steps.csv", "valid_fraction": 0.25, "categories": ["colour"]},
       "output": {"readout": "every"}, "model": {"hidden": 8},
       "batch": {"sequences": 4, "window": 16, "shards": 4},
       "run": {"directory": "steps", "steps": 4, "validate_every": 4}}
      """
    try place.write("steps.json", config)
    let trained = try place.run("steps.json", "--threads", "1")
    #expect(trained.status == 0, "\(trained)")
    let new = rows.map {
      $0.split(separator: ",").dropLast().joined(separator: ",")
        .replacingOccurrences(of: "red", with: "green")
    }
    try place.write("new.csv", (["sequence,x,colour"] + new).joined(separator: "\n"))
    let steps = try place.run("predict", "steps", "new.csv")
    #expect(steps.status == 0, "\(steps)")
    #expect(Self.fields(steps.output).count == 81)
    #expect(steps.errors.contains("\"colour\": unknown categories"), "\(steps.errors)")
    #expect(steps.errors.contains("longer sequences, read in parts of 16 steps: 4"))
    for states in ["last", "mean"] {
      let vectors = try place.run("predict", "steps", "new.csv", "--states", states)
      #expect(vectors.status == 0, "\(vectors)")
      #expect(Self.fields(vectors.output).map(\.count) == [9, 9, 9, 9, 9])
    }
    try place.write(
      "told.json", config.replacingOccurrences(of: "[\"colour\"]", with: "[\"label\"]"))
    let told = try place.run("told.json", "--run-directory", "told")
    #expect(told.status == 2, "\(told)")
    #expect(told.errors.contains("\"label\" is the class to be predicted"), "\(told)")
  }
}
