/* Texts of the page, in Chinese and English. */

const TEXTS = {
  saved: ["已保存", "Saved"], saving: ["正在保存…", "Saving…"], unsent: ["{n} 步尚未发送，网络恢复后自动保存", "{n} edits not sent; kept here until the network is back"],
  offline: ["网络不通", "No connection"], loading: ["正在载入…", "Loading…"], none: ["无", "none"], cells: ["个网格", "cells"],
  "tool.select": ["选择", "Select"], "tool.drag": ["拖动折点", "Move vertices"], "tool.draw": ["绘制新边界", "Draw border"], "tool.split": ["分割", "Split"],
  "tool.merge": ["合并", "Merge"], "tool.transfer": ["划转", "Transfer"], "tool.lasso": ["套索", "Lasso"], "tool.brush": ["画笔", "Brush"],
  "tool.redivide": ["重新划分", "Redivide"], "tool.lock": ["锁定", "Lock"], "tool.comment": ["意见", "Comment"],
  "hint.select": ["点选网格，Shift 加选；拖动空白处平移地图", "Click a cell, Shift adds; drag to move the map"],
  "hint.drag": ["按住折点或边线拖动；Alt 不吸附，Shift 让结点沿边界滑动，Delete 删除折点，Esc 放弃", "Drag a vertex or a border; Alt turns snapping off, Shift slides a node along a border, Delete removes a vertex, Esc gives up"],
  "hint.draw": ["从边界上一点起，沿新边界逐点单击或按住描画，回到边界上结束；双击或 Enter 结束，Alt 不吸附，Backspace 退一点，Esc 放弃", "Begin on a border, click along the new border or draw it with the button down, end on the border; Enter or a double click ends, Alt turns snapping off, Backspace takes a point back, Esc gives up"],
  "hint.split": ["画一条横穿网格的线；双击或 Enter 结束，Alt 不吸附，Backspace 退一点，Esc 放弃", "Draw a line across a cell; Enter or a double click ends, Alt turns snapping off, Backspace takes a point back, Esc gives up"],
  "hint.merge": ["点选要合并的网格，Enter 合并，Esc 放弃", "Click the cells to merge, Enter merges, Esc gives up"],
  "hint.transfer": ["先选三级网格（Shift 加选），再单击接收的二级网格；Enter 确定，Esc 放弃", "Select third-level cells (Shift adds), then click the second-level grid that takes them; Enter confirms, Esc gives up"],
  "hint.lasso": ["按住画一圈，圈内网格被选中；Shift 加选，Alt 减选", "Draw a loop; the cells inside are selected. Shift adds, Alt removes"],
  "hint.brush": ["按住涂过的网格被选中；Alt 减选", "Cells under the brush are selected; Alt removes"],
  "hint.redivide": ["点选一个二级网格，在右侧填写份数", "Click a second-level grid and give the number of parts on the right"],
  "hint.lock": ["单击网格锁定或解锁；Shift 锁定整个二级网格", "Click locks or unlocks a cell; Shift locks the second-level grid"],
  "hint.comment": ["单击要说明的位置", "Click the place that the remark is about"],
  "hint.pan": ["空格拖动地图 · 滚轮缩放 · ? 快捷键", "Space drags the map · wheel zooms · ? shows the keys"],
  "tab.change": ["影响", "Change"], "tab.cells": ["网格表", "Cells"], "tab.balance": ["均衡", "Balance"], "tab.findings": ["检查", "Findings"],
  "tab.history": ["历史", "History"], "tab.comments": ["意见", "Comments"], "tab.compare": ["比较", "Compare"], "tab.exchange": ["导入导出", "Files"],
  commit: ["确认修改", "Make this change"], give_up: ["放弃", "Give up"], undo: ["撤销", "Undo"], redo: ["重做", "Redo"], merge_now: ["合并选中的 {n} 个", "Merge the {n} selected"],
  nothing_planned: ["尚无改动。请选择工具，在图上绘制；修改之前，可先在这里查看影响。", "Nothing is planned. Choose a tool and draw; what it would do is told here before it is made."],
  computing: ["正在计算影响…", "Working out the consequences…"], done: ["已修改：", "Done: "],
  residents: ["人口", "Residents"], households: ["户数", "Households"], units: ["单位", "Units"], workload: ["工作量", "Workload"], area: ["面积 m²", "Area m²"],
  balance: ["均衡度", "Balance"], compactness: ["紧凑度", "Compactness"], road_share: ["沿路", "On roads"], leader: ["格长", "Leader"], cell: ["网格", "Cell"], change: ["变化", "Change"],
  "level.1": ["社区", "Community"], "level.2": ["二级网格", "Second level"], "level.3": ["三级网格", "Third level"],
  affected: ["受影响的对象", "Who is concerned"], moved_residents: ["更换格长的居民", "Residents with another leader"], moved_households: ["更换格长的户", "Households with another leader"],
  leaders: ["涉及格长", "Leaders concerned"], cut_buildings: ["被边界穿过的楼栋", "Buildings cut"], incidents: ["归属变动的上月案件", "Incidents of last month that change cell"], verdicts: ["结论变动的上周巡查", "Verdicts of last week that would differ"],
  persons: ["{n} 人", "{n}"], count_households: ["{n} 户", "{n}"], count_buildings: ["{n} 栋", "{n}"], count: ["{n}", "{n}"], waiting: ["正在计算…", "…"],
  reason: ["理由", "Reason"], accept_cut: ["请写明边界穿过楼栋的理由，然后继续", "Give the reason for cutting buildings to go on"], try_proposal: ["采用建议", "Try the proposal"],
  "kind.crosses": ["新边界与另一条边界相交", "the new border crosses another border"], "kind.touches": ["新边界碰到另一条边界或折点", "the new border touches another border or vertex"],
  "kind.flips": ["网格会翻转或消失", "a cell would turn over or vanish"], "kind.encloses": ["网格会把其他网格围在里面，或边界越过它", "a cell would lie round others, or its border would jump over one"],
  "kind.self_crossing": ["新边界与自身相交", "the new border crosses itself"], "kind.misses": ["线没有接到边界上", "the line does not meet the border"],
  "kind.outline": ["街道外轮廓已锁定", "the outline of the street is locked"], "kind.detached": ["网格会分成互不相连的几块", "a cell would fall into parts"],
  "kind.locked": ["网格已锁定", "the cell is locked"], "kind.too_small": ["面积不足 4 平方米", "less than 4 m² would be left"],
  impossible: ["不能这样修改：", "Not possible: "], released: ["松开后恢复原位。", "On release it goes back."],
  draw_from_border: ["从一条边界上开始", "Begin on a border"], end_on_border: ["终点应落在同一条边界上", "End on the same border"], no_cell_cut: ["线没有横穿任何网格", "The line crosses no cell from border to border"],
  cut_once: ["线多次穿过网格；请只穿过一次", "The line crosses the cell more than once; cut it once"],
  select_two: ["至少选两个相邻网格", "Select at least two neighbouring cells"], select_first: ["先选要划转的三级网格", "Select the cells to transfer first"],
  find: ["查找编码或名称", "Find code or name"], fill: ["填色", "Fill"], layers: ["图层", "Layers"], levels: ["层级", "Levels"], roads: ["道路", "Roads"], buildings: ["建筑", "Buildings"], water: ["水系", "Water"], base_map: ["底图", "Base map"],
  "fill.balance": ["工作量均衡", "Balance"], "fill.population": ["人口", "Residents"], "fill.units": ["单位", "Units"], "fill.community": ["社区", "Community"],
  pick_level: ["选择级别", "Selects"], locked: ["已锁", "locked"], outline_locked: ["外轮廓已锁定", "Outline locked"], unlock_outline: ["解锁外轮廓", "Unlock outline"], lock_outline: ["锁定外轮廓", "Lock outline"],
  legend_balance: ["二级网格工作量 ÷ 社区平均", "Workload of the second-level grid over its community's mean"],
  here: ["在线", "Here"], you: ["我", "you"], holds: ["正在看 {cells}", "is at {cells}"],
  stale: ["这里已被他人改动", "Somebody else changed this place"], mine: ["在最新版本上重做我的修改", "Mine on top"], theirs: ["保留对方的修改", "Keep theirs"], fork: ["另开草案", "Begin a new draft"],
  no_findings: ["没有发现空隙、重叠或飞地。", "No gap, overlap or detached part."], run_check: ["检查草案", "Check the draft"], checking: ["正在检查…", "Checking…"],
  propose: ["计算均衡建议", "Propose transfers"], no_proposal: ["没有可改善均衡的划转", "No transfer helps"], take: ["采用", "Take"], leave: ["不采用", "Leave"],
  now: ["最新", "Now"], visit: ["查看", "Look"], visiting: ["正在看第 {n} 步之后的草案，不能修改", "This is the draft after step {n}; it cannot be changed"], back_to_now: ["返回最新状态", "Back to now"], undo_this: ["撤销此步", "Undo this"],
  write_comment: ["写下意见", "Write the remark"], send: ["发送", "Send"], reply: ["回复", "Reply"], resolve: ["已解决", "Resolve"], reopen_comment: ["重新打开", "Reopen"], no_comments: ["尚无意见。按 C 键后单击位置。", "No remarks. Press C and click a place."],
  compare_words: ["与基础版本相比", "Against the base version"], same: ["与基础版本相同。", "The same as the base."], swipe: ["左右拖动分隔线：左侧为原划分，右侧为草案", "Drag the divider: base on the left, draft on the right"], leader_table: ["更换格长的居民", "Residents with another leader"],
  export: ["导出 GeoPackage（含 QGIS 样式）", "Export GeoPackage with QGIS styles"], import: ["导入改好的文件", "Import an edited file"], import_preview: ["导入预览：{n} 处修改", "Import: {n} edits"], import_none: ["文件与草案没有差别。", "The file does not differ from the draft."],
  review: ["提交审核", "Submit for review"], publish: ["发布", "Publish"], reopen: ["退回修改", "Reopen"], valid_from: ["生效日期", "Valid from"], published: ["已发布", "Published"], in_review: ["审核中", "In review"],
  keys: ["快捷键", "Keys"], close: ["关闭", "Close"], new_draft: ["新建草案", "New draft"], drafts: ["草案", "Drafts"], no_drafts: ["还没有草案。草案从现行方案开始，发布之前不影响任何人。", "There is no draft yet. A draft starts from the present division and affects nobody before it is published."], draft_name: ["草案名称", "Name of the draft"], open: ["打开", "Open"], based_on: ["基于版本 {n}", "based on version {n}"],
  rename: ["改名", "Rename"], set_leader: ["格长", "Leader"], to_grid: ["划入", "To"], actions: ["操作", "Actions"], name: ["名称", "Name"], code: ["编码", "Code"], selected: ["已选 {n} 个", "{n} selected"], nothing_selected: ["未选网格", "Nothing selected"], clear: ["清除", "Clear"],
  parts: ["份数", "Parts"], redivide_now: ["查看重新划分的影响", "Show what it does"], pick_second: ["点选一个二级网格", "Click a second-level grid"], vertex_of: ["折点：{cells}", "Vertex of {cells}"], node_of: ["节点，共 {n} 个网格：{cells}", "Node of {n} cells: {cells}"],
  by_buildings: ["按楼栋分组分割", "Split between buildings"], zoom_in: ["放大", "Zoom in"], zoom_out: ["缩小", "Zoom out"], whole: ["全图", "Whole street"], map: ["网格地图。按 Tab 键进入右侧网格表，不用鼠标也可完成全部操作。", "Map of the grids. The table of cells beside it does everything without a mouse."],
  "key.space": ["按住拖动地图", "hold to drag the map"], "key.alt": ["按住不吸附", "hold to turn snapping off"], "key.shift": ["加选；拖动结点时沿边界滑动", "adds to the selection; slides a node along a border"],
  "key.backspace": ["描线时退一点", "takes a point of the line back"], "key.arrows": ["移动选中的折点 0.1 米，加 Shift 为 1 米", "move the focused vertex by 0.1 m, with Shift by 1 m"], "key.delete": ["删除选中的折点", "removes the focused vertex"], "key.zoom": ["放大、缩小、全图", "zoom in, out, whole street"],
  "state.draft": ["编制中", "draft"], "state.review": ["审核中", "in review"], "state.published": ["已发布", "published"], base: ["原划分", "Base"], from: ["原属", "From"], to: ["改属", "To"],
  locate: ["定位", "Show"],
  tolerance: ["虚线为 ±5%", "dashed: ±5 %"], login: ["请先登录", "Please log in"], no_draft: ["没有可用的草案", "There is no draft"], more: ["更多", "More"], step: ["步", "steps"], failed: ["没有完成：", "Failed: "], worse: ["涉及网格", "Grids concerned"],
};

let language = "zh";

/** The language of the page, "zh" or "en". */
export const spoken = () => language;
export function speak(next) { language = next === "en" ? "en" : "zh"; document.documentElement.lang = language === "en" ? "en" : "zh-CN"; }

/** A text by its key, with values inserted. */
export function say(key, values = {}) {
  const text = TEXTS[key]?.[language === "en" ? 1 : 0] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** A text of the server, which comes in both languages. */
export const said = (words) => (words ? (language === "en" ? words.en : words.zh) ?? "" : "");

// Own code, because loading the browser's number formats takes 60 ms at start.
export const count = (value) => (value === null || value === undefined ? "—" : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ","));
export const signed = (value) => (value > 0 ? `+${count(value)}` : value < 0 ? `−${count(-value)}` : "0");

const two = (value) => String(value).padStart(2, "0");
/** Time of day of a moment, in the reader's zone. */
export const clock = (at) => { const date = new Date(at); return `${two(date.getHours())}:${two(date.getMinutes())}`; };
/** Day and time of a moment. */
export const moment = (at) => { const date = new Date(at); return `${date.getMonth() + 1}/${date.getDate()} ${clock(at)}`; };
