import Corpora
import Datasets
import Foundation
import Records
import Tables
import Tasks
import Testing
import TextSequences

/// What files of real programs have in them beside rows.
@Suite struct MessyTableTests {
  /// As where files were joined, or a logger began anew.
  @Test func linesThatRepeatTheHeaderAreLeftOut() throws {
    let folder = try DataFolder(
      "a.tsv",
      "# logger\nsequence\tx\tlabel\na\t1\tu\na\t2\tu\nsequence\tx\tlabel\nb\t3\tv\n"
        + "sequence\tx\tlabel \nb\t4\tv\n")
    let table = try folder.sequences()
    #expect(table.count == 2)
    #expect(table.starts == [0, 2, 4])
    #expect(table.remarks.contains("lines that repeat the header are left out: 2"))
  }

  @Test func headersOfTextsAreNoClass() throws {
    let folder = try DataFolder("a.csv", "text,label\nwell,good\ntext,label\nno,bad\n")
    var request = SequenceRequest(
      task: TaskName.classification.description.ofTokens, rows: 4, window: 8, seed: 1)
    request.train = folder.path
    request.text = TextRequest(learning: .init(.word))
    let data = try SequenceData(opening: request)
    #expect(data.frame?.classes == ["bad", "good"])
    #expect(data.line("remark").contains("lines that repeat the header are left out: 1"))
  }

  @Test func membersWithinMembersAreNamedWithPoints() throws {
    let folder = try DataFolder(
      "a.jsonl",
      #"{"id": 1, "review": {"text": "well", "stars": {"n": 5}}, "label": "good"}"# + "\n"
        + #"{"id": 2, "review": {"text": "no", "stars": {"n": 1}}, "label": null}"# + "\n"
        + #"{"id": 3, "review.text": "so so", "label": "bad"}"#)
    var request = SequenceRequest(
      task: TaskName.classification.description.ofTokens, rows: 4, window: 8, seed: 1)
    request.train = folder.path
    request.text = TextRequest(learning: .init(.word))
    func complaint() -> String {
      let error = #expect(throws: DataFileError.self) { try SequenceData(opening: request) }
      return error.map { "\($0)" } ?? ""
    }
    #expect(complaint().contains(#""id", "review.text", "review.stars.n", "label""#))
    request.text?.column = "review.text"
    #expect(complaint().contains("line 2: has no label"))
    request.ignoredLabel = ""
    let data = try SequenceData(opening: request)
    #expect(data.frame?.classes == ["bad", "good"])
    #expect(data.line("remark") == "texts without a label that counts are left out: 1")
    request.labelColumn = "review.stars.n"
    request.ignoredLabel = nil
    #expect(complaint().contains("line 3: has no label"))
  }

  @Test func stepsWithoutALabelNeedNotCount() throws {
    let folder = try DataFolder("a.csv", "sequence,x,label\na,1,u\na,2,\na,3,v\nb,4,u\nb,5,v\n")
    var request = folder.request(.classification)
    request.task = TaskName.classification.description(readout: .every, loss: .softmax)
    let error = #expect(throws: DataFileError.self) { try SequenceData(request) }
    #expect(error.map { "\($0)" }?.contains("is \"\" for steps without one") == true)
    request.ignoredLabel = ""
    let data = try SequenceData(request)
    #expect(data.frame?.classes == ["u", "v"])
    #expect(data.line("classes").contains("\"u\" 2, \"v\" 2"), "\(data.line("classes"))")
    #expect(data.line("ignored") == "1 training step and 0 validation steps of label \"\"")
  }

  @Test func datesWithPointsAreRefusedWithTheirCommand() throws {
    let folder = try DataFolder("a.csv", "day;x\n01.02.2024;1,5\n02.02.2024;2,5\n")
    var request = folder.request(.forecasting)
    request.calendarColumns = ["day"]
    let error = #expect(throws: DataFileError.self) { try SequenceData(request) }
    #expect(
      error.map { "\($0)" }?.contains(
        #"sed -E 's/([0-9]{2})\.([0-9]{2})\.([0-9]{4})/\3-\2-\1/g' does it"#) == true)
  }
}
