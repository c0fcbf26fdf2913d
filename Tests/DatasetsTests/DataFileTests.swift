import Datasets
import Records
import Tasks
import Testing

@Suite struct DataFileTests {
  @Test func seriesOfTheArchivesAreRead() throws {
    let file = try DataFolder(
      "a.ts",
      """
      # a comment
      @problemName small
      @timestamps false
      @univariate false
      @dimensions 2
      @equalLength false
      @classLabel true up down
      @data
      1,2,3:4,5,6:up
      7.5:-8e-1:down

      """)
    let set = try file.sequences()
    #expect(set.features == 2)
    #expect(set.starts == [0, 3, 4])
    #expect(set.values == [1, 4, 2, 5, 3, 6, 7.5, -0.8])
    #expect(set.labels == ["up", "down"])
  }

  @Test func tablesThatTakeTooMuchMemoryAreRefusedWhileTheyAreRead() throws {
    let rows = String(repeating: "1,2,3,4,5,6,7,8\n", count: 1 << 20)
    let file = try DataFolder("a.csv", "a,b,c,d,e,f,g,h\n" + rows)
    func read(allowing bytes: Int) throws -> SequenceTable {
      var request = file.request(.forecasting)
      let progress = ReadingProgress()
      progress.allow(MemoryAllowance(bytes: bytes, owner: "the machine has"))
      request.progress = progress
      return try DataFile(path: file.path, progress: progress).sequences(request)
    }
    #if os(Linux)
      // 64 MiB of numbers, in a process that may hold 32.
      let error = #expect(throws: DataFileError.self) { try read(allowing: 32 << 20) }
      #expect("\(error!)".contains("of the data), the machine has 32.0 MiB; read fewer columns"))
    #endif
    #expect(try read(allowing: 1 << 40).count == 1)
  }

  @Test func aClassThatTheHeadDoesNotListIsAnError() throws {
    let head = "@classLabel true up down\n@data\n1,2:up\n"
    for line in ["3,4:dwn", "3, 4 :dwn"] {
      let file = try DataFolder("a.ts", head + line + "\n")
      let error = #expect(throws: DataFileError.self) { try file.sequences() }
      #expect(
        "\(error!)".contains(
          "line 4: has the class \"dwn\", and @classLabel lists \"down\", \"up\""))
    }
    // Archives leave the list out now and then.
    let unlisted = try DataFolder("a.ts", "@classLabel true\n@data\n1:a\n2:b\n")
    #expect(try unlisted.sequences().labels == ["a", "b"])
  }

  @Test func blankLinesOfATableOfOneColumnAreSaid() throws {
    let blank = "x\n1\n\n2\n\r\n\n3\n\n"
    let remark = try DataFolder("a.csv", blank).sequences(.forecasting).remarks
    #expect(remark.contains { $0.hasPrefix("blank lines between rows are left out") })
    #expect(remark.contains { $0.contains("are no steps: 3; write NA") })
    for content in ["x\n\n1\n2\n3\n\n\n", "x,y\n1,1\n\n2,1\n"] {
      let remarks = try DataFolder("a.csv", content).sequences(.forecasting).remarks
      #expect(!remarks.contains { $0.contains("blank lines") }, "\(content)")
    }
  }

  @Test func rowsWithoutASequenceAreAnError() throws {
    let file = try DataFolder("a.csv", "sequence,x,label\na,1,u\na,2,u\n ,3,u\n,4,v\n")
    let error = #expect(throws: DataFileError.self) { try file.sequences() }
    #expect("\(error!)".contains("line 4, column \"sequence\": is empty; it must name the"))
  }

  @Test func partsWithoutAWindowAreToldWithWhatMendsThem() throws {
    let rows = (0..<120).map { "\($0 % 7)" }.joined(separator: "\n")
    let file = try DataFolder("a.csv", "x\n" + rows + "\n")
    var request = file.request(.forecasting)
    (request.window, request.horizon, request.validFraction) = (12, 50, 0.1)
    let error = #expect(throws: DataFileError.self) { try SequenceData(request) }
    #expect("\(error!)".contains("no window to validate on: one and its forecast take 62"))
    #expect("\(error!)".contains("raise data.valid_fraction"))
    request.validFraction = 0.45
    #expect(try SequenceData(request).validation != nil)
    request.validFraction = 0.6
    let other = #expect(throws: DataFileError.self) { try SequenceData(request) }
    #expect("\(other!)".contains("no window to train on"))
    #expect("\(other!)".contains("lower batch.window, data.horizon or data.valid_fraction"))
  }

  @Test func optionsOfTablesHaveNoEffectOnOtherFiles() throws {
    func complaint(_ name: String, _ change: (inout SequenceRequest) -> Void) throws -> String {
      let file = try DataFolder(name, #"{"values": [[1], [2]], "label": "a"}"#)
      var request = file.request(.classification)
      change(&request)
      do {
        _ = try SequenceData(request)
        return "nothing"
      } catch { return "\(error)" }
    }
    #expect(try complaint("a.jsonl") { $0.decimal = "," }.contains("data.decimal has no effect"))
    #expect(try complaint("a.jsonl") { $0.remark = "#" }.contains("data.comment has no effect"))
    #expect(try complaint("a.ts") { $0.hasHeader = false }.contains("data.header has no effect"))
    #expect(try complaint("a.ts") { $0.sequenceColumn = "x" }.contains("data.sequence has no"))
    #expect(try !complaint("a.jsonl") { _ in }.contains("no effect"))
    #expect(try !complaint("a.csv") { $0.decimal = "," }.contains("no effect"))
  }

  @Test func linesOfJSONAreRead() throws {
    let file = try DataFolder(
      "a.jsonl",
      """
      {"values": [[1, 2], [3, 4.5]], "label": "a"}

      {"label": 7, "values": [[5, 6]]}
      """)
    let set = try file.sequences()
    #expect(set.values == [1, 2, 3, 4.5, 5, 6])
    #expect(set.starts == [0, 2, 3])
    #expect(set.labels == ["a", "7"])
    let plain = try DataFolder("b.jsonl", #"{"values": [1, 2, 3]}"#)
    #expect(try plain.sequences(.multilabel).starts == [0, 3])
    #expect(try plain.sequences(.multilabel).features == 1)
  }

  @Test func tablesAreRead() throws {
    let file = try DataFolder(
      "a.csv",
      "date,sequence,\"x, y\",label,z\r\n2020-01-01,p,1,good,2\r\n2020-01-02,p,3,good,4\r\n"
        + "2020-01-03,q,5,\"not good\",6\r\n")
    let set = try file.sequences()
    #expect(set.columns == ["x, y", "z"])
    #expect(set.values == [1, 2, 3, 4, 5, 6])
    #expect(set.starts == [0, 2, 3])
    #expect(set.labels == ["good", "not good"])
    #expect(try file.sequences(.classification, columns: ["z"]).values == [2, 4, 6])
    let series = try file.sequences(.forecasting)
    #expect(series.starts == [0, 3])
    #expect(series.columns == ["x, y", "z"])
  }

  @Test(arguments: [
    ("a.ts", "\u{FEFF}@classLabel true 1 2\n@data\n1,2:1\n2,3:2\n"),
    ("a.jsonl", "\u{FEFF}{\"values\": [1, 2], \"label\": 1}\n{\"values\": [2, 3], \"label\": 2}"),
    ("a.jsonl", "{\"values\": [1, 2], \"label\": 1.0}\n{\"values\": [2, 3], \"label\": 2.0}"),
    ("a.csv", "\u{FEFF}sequence,label,x\n1,1,1\n1,1,2\n2,2,2\n2,2,3\n"),
  ])
  func marksAndPointsAreNoPartOfLabels(name: String, content: String) throws {
    let set = try DataFolder(name, content).sequences()
    #expect(set.labels == ["1", "2"])
    #expect(set.values == [1, 2, 2, 3])
  }

  @Test func columnsThatAreNotReadAreNamed() throws {
    let rows = (0..<40).map { "\($0 % 7),here,\($0 % 5)" }.joined(separator: "\n")
    let file = try DataFolder("a.csv", "x,place,y\n" + rows)
    let lines = try SequenceData(file.request(.forecasting)).summary.lines
    let columns = try #require(lines.first { $0.label == "columns" })
    #expect(columns.text.hasPrefix("2 read as numbers"), "\(columns)")
    #expect(columns.text.hasSuffix("1 column left out: \"place\""), "\(columns)")
  }

  /// 20,000 columns of every format: whatever looked each of them up among all would take minutes.
  @Test func wideFilesAreReadInLinearTime() throws {
    let width = 20_000
    let ones = [String](repeating: "1", count: width)
    let names = (0..<width).map { "c\($0)" }
    let files = [
      (
        "a.csv",
        "sequence,label,\(names.joined(separator: ","))\na,b,\(ones.joined(separator: ","))"
      ),
      ("a.ts", "@classLabel true b\n@data\n\(ones.joined(separator: ":")):b"),
      ("a.jsonl", "{\"values\": [[\(ones.joined(separator: ","))]], \"label\": \"b\"}"),
    ]
    let started = ContinuousClock.now
    for (name, content) in files {
      let file = try DataFolder(name, content)
      var request = file.request(.classification)
      #expect(try SequenceData(request).features == width)
      guard name == "a.csv" else { continue }
      request.columns = names.reversed()
      #expect(try SequenceData(request).frame?.columns.first == "c19999")
    }
    #expect(ContinuousClock.now - started < .seconds(30))
  }

  @Test(arguments: [
    ("a.ts", "@classLabel true a\n@data\n1,2:a\n1,x:a\n", "line 4, dimension 1: expected a number"),
    ("a.ts", "@classLabel true a\n@data\n1,2:3:a\n", "dimension 2 has 1 values, dimension 1 has 2"),
    ("a.ts", "@classLabel true a\n@data\n1:a\n1:2:a\n", "line 4: has 2 dimensions, expected 1"),
    ("a.ts", "@data\n1,?\n", "a value is missing"),
    ("a.ts", "@problemName x\n", "there is no line @data"),
    ("a.ts", "1,2,3:a\n", "expected a tag like @data"),
    ("a.jsonl", "{\"values\": [1]}\n{\"values\": [1, ]}\n", "line 2, column 16: not JSON"),
    ("a.jsonl", "{\"values\": [[1, 2], [3]]}", "step 2 has 1 values, expected 2"),
    ("a.jsonl", "{\"value\": [1]}", "expected an object with a list \"values\""),
    ("a.jsonl", "{\"values\": [\"x\"]}", "step 1: expected a number, found a string"),
    ("a.jsonl", "{\"values\": [1], \"label\": 1}\n{\"values\": [1]}", "some have none"),
    ("a.csv", "sequence,label,x\na,b,1\na,b,oops\n", "line 3, column \"x\": expected a number"),
    ("a.csv", "sequence,label,x\na,b,inf\n", "line 2, column \"x\": expected a finite number"),
    ("a.csv", "sequence,label,x\na,b,1\nc,b,1\na,b,2\n", "sequence \"a\" goes on after another"),
    ("a.csv", "sequence,label,x\na,b,1\na,c,1\n", "has label \"c\" after \"b\""),
    ("a.csv", "seq,label,x\na,b,1\n", "there is no column \"sequence\", which data.sequence names"),
    ("a.csv", "sequence,label,x\n", "there is no row after the header"),
    ("a.csv", "sequence,label,x\na,b,\n", "no column holds numbers"),
    ("a.txt", "1 2 3", "its name does not tell the format"),
    ("a.csv", "", "is empty"),
  ])
  func errorsNameFileAndLine(name: String, content: String, expected: String) throws {
    let file = try DataFolder(name, content)
    let complaint = file.complaint()
    #expect(complaint.contains(expected), "\(complaint)")
    #expect(complaint.contains(name), "\(complaint)")
  }
}
