"""Labels of the vocabularies of cases, in Chinese and English. Labels differ between cities, codes do not."""

from __future__ import annotations

from collections.abc import Mapping

from geo.duty.events import AccountRole, Action, Clock, Duty, Outcome, Role, State
from geo.duty.report import Channel
from geo.texts import Text

ACCOUNT_ROLES: Mapping[AccountRole, Text] = {
    AccountRole.ADMINISTRATOR: Text("系统管理员", "administrator"),
    AccountRole.PLANNER: Text("规划人员", "planner"),
    AccountRole.LEADER: Text("街道领导", "leader of the street"),
    AccountRole.CHECKER: Text("巡查核验员", "patrol checker"),
    AccountRole.SUPERVISOR: Text("纪工委督查", "supervisor"),
    AccountRole.COMMUNITY: Text("社区、园区", "community"),
    AccountRole.OFFICER: Text("格长、承办人", "grid leader or handler"),
    AccountRole.CLERK: Text("服务中心", "clerk of the centre"),
    AccountRole.RESIDENT: Text("居民", "resident"),
}

DUTIES: Mapping[Duty, Text] = {
    Duty.RESPONSIBLE: Text("责任人", "responsible"),
    Duty.LEADER: Text("格长", "grid leader"),
    Duty.DEPUTY: Text("副格长", "deputy"),
    Duty.HELPER: Text("协管员", "helper"),
    Duty.POLICE: Text("警员", "police officer"),
    Duty.CLEANER: Text("保洁员", "cleaner"),
    Duty.PARTY_MEMBER: Text("党员骨干", "party member"),
    Duty.BUILDING_HEAD: Text("楼栋长", "building head"),
    Duty.VOLUNTEER: Text("志愿者", "volunteer"),
    Duty.RESIDENT_REP: Text("居民代表", "residents' representative"),
    Duty.INFORMATION_OFFICER: Text("信息员", "information officer"),
}

ROLES: Mapping[Role, Text] = {
    Role.OFFICER: Text("格长", "grid leader"),
    Role.CLERK: Text("服务中心", "service centre"),
    Role.LEVEL1: Text("一级网格责任人", "responsible for the community"),
    Role.UNIT: Text("承办单位", "handling unit"),
    Role.LEADER: Text("街道领导", "leader of the street"),
    Role.CHAIR: Text("会办召集人", "chair of the joint meeting"),
    Role.SUPERVISOR: Text("纪工委", "discipline office"),
    Role.SYSTEM: Text("系统", "the program"),
}

STATES: Mapping[State, Text] = {
    State.REPORTED: Text("已上报", "reported"),
    State.CHECKING: Text("核实中", "being checked"),
    State.FILED: Text("已立案", "filed"),
    State.ASSIGNED: Text("已派遣待签收", "dispatched, not signed for"),
    State.HANDLING: Text("处置中", "being handled"),
    State.JOINT: Text("会办中", "in joint handling"),
    State.SHELVED: Text("挂账中", "shelved"),
    State.HANDLED: Text("待核查", "handled, to be verified"),
    State.VERIFIED: Text("待回访", "verified, return visit due"),
    State.CLOSED: Text("结案", "closed"),
    State.REJECTED: Text("不予受理", "not accepted"),
    State.VOID: Text("作废", "void"),
    State.MERGED: Text("并入", "merged"),
}

OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.SOLVED_IN_GRID: Text("网格自办", "solved in the grid"),
    Outcome.SOLVED: Text("实质性办结", "solved"),
    Outcome.EXPLAINED: Text("解释备案", "explained and filed"),
}

CLOCKS: Mapping[Clock, Text] = {
    Clock.ACCEPT: Text("受理时限", "limit for accepting"),
    Clock.CHECK: Text("核实时限", "limit for checking"),
    Clock.DISPATCH: Text("派遣时限", "limit for dispatch"),
    Clock.SIGN: Text("签收时限", "limit for signing"),
    Clock.HANDLE: Text("处置时限", "limit for handling"),
    Clock.REDO: Text("返工时限", "limit for doing it again"),
    Clock.VERIFY: Text("核查时限", "limit for verifying"),
    Clock.REPLY: Text("回访时限", "limit for the return visit"),
    Clock.REVIEW: Text("挂账复核日", "review of a shelved case"),
}

CHANNELS: Mapping[Channel, Text] = {
    Channel.PATROL: Text("巡查发现", "patrol"),
    Channel.PHONE: Text("来电", "telephone"),
    Channel.HOTLINE: Text("12345热线", "hotline 12345"),
    Channel.MAYOR_MAIL: Text("市长信箱", "mayor's mailbox"),
    Channel.VISIT: Text("来访", "visit"),
    Channel.LETTER: Text("来信", "letter"),
    Channel.SUPERVISION: Text("督查发现", "supervision"),
    Channel.OTHER: Text("其他", "other"),
}

ACTIONS: Mapping[Action, Text] = {
    Action.REPORT: Text("上报", "reported"),
    Action.SELF_SOLVE: Text("网格自办", "solved in the grid"),
    Action.ASK_CHECK: Text("要求核实", "asked for a check"),
    Action.CHECKED: Text("核实反馈", "checked"),
    Action.FILE: Text("立案", "filed"),
    Action.REJECT: Text("不予受理", "not accepted"),
    Action.WITHDRAW: Text("撤回", "withdrawn"),
    Action.VOID: Text("作废", "made void"),
    Action.MERGE: Text("并入主件", "merged"),
    Action.UNMERGE: Text("解除并入", "unmerged"),
    Action.ASSIGN: Text("派遣", "dispatched"),
    Action.SIGN: Text("签收", "signed for"),
    Action.RETURN_UP: Text("退回", "returned"),
    Action.REASSIGN: Text("改派", "dispatched to another unit"),
    Action.GIVE_BACK: Text("单位内转办", "passed on within the unit"),
    Action.CALL_JOINT: Text("提请会办", "joint handling asked for"),
    Action.DECIDE_ASSIGN: Text("会办决定派遣", "joint decision: dispatched"),
    Action.DECIDE_SHELVE: Text("会办决定挂账", "joint decision: shelved"),
    Action.ASK_EXTEND: Text("申请延期", "extension asked for"),
    Action.EXTEND: Text("批准延期", "extended"),
    Action.SHELVE: Text("挂账", "shelved"),
    Action.RESUME: Text("恢复办理", "resumed"),
    Action.DONE: Text("办理完毕", "handled"),
    Action.VERIFY_OK: Text("核查通过", "verified"),
    Action.VERIFY_BAD: Text("核查不通过", "found not done"),
    Action.VISIT_SOLVED: Text("回访已解决", "return visit: solved"),
    Action.VISIT_UNSOLVED: Text("回访未解决", "return visit: not solved"),
    Action.EXPLAIN_FILE: Text("解释备案", "explained and filed"),
    Action.REOPEN: Text("重新办理", "reopened"),
    Action.RECONSIDER: Text("重新受理", "reconsidered"),
    Action.SUPERVISE: Text("督办", "supervised"),
    Action.UNDO: Text("撤销上一步", "last step undone"),
    Action.ADD_REPORT: Text("关联上报件", "report added"),
    Action.TAKE_IN: Text("接收并入件", "merged case taken in"),
    Action.RELEASE: Text("退出并入件", "merged case released"),
    Action.ANSWER: Text("答复上报人", "reporter answered"),
    Action.HAND_OVER: Text("移交经办人", "handed over"),
    Action.RECKON: Text("重算时限", "deadline reckoned again"),
    Action.EXEMPT: Text("超期免责", "lateness exempted"),
    Action.ERASE_CONTACT: Text("删除联系方式", "contact erased"),
}

_OTHER = Text("其他", "other")
_NOT_OURS = Text("不属于本单位职责", "not our duty")
_AWAITED = {
    "funds": Text("待资金", "funds"),
    "ownership": Text("待权属明确", "ownership to be settled"),
    "approval": Text("待上级批复", "approval from above"),
    "season": Text("待施工季节", "a season for the work"),
    "other": _OTHER,
}

#: Values of a step that are chosen instead of typed: by action and name in the payload, each value with its text.
CHOICES: Mapping[Action, Mapping[str, Mapping[str, Text]]] = {
    Action.CHECKED: {
        "result": {
            "found": Text("属实", "found"),
            "not_found": Text("未发现", "not found"),
            "cannot_tell": Text("无法核实", "cannot be told"),
        }
    },
    Action.RETURN_UP: {
        "code": {
            "not_ours": _NOT_OURS,
            "wrong_place": Text("位置不对", "wrong place"),
            "wrong_kind": Text("事项不对", "wrong matter"),
            "other": _OTHER,
        }
    },
    Action.SHELVE: {"awaits": _AWAITED},
    Action.DECIDE_SHELVE: {"awaits": _AWAITED},
    Action.VISIT_SOLVED: {
        "result": {
            "solved": Text("已解决", "solved"),
            "unreached": Text("多次未联系上", "not reached"),
            "declined": Text("不愿回答", "declined to answer"),
        }
    },
    Action.VISIT_UNSOLVED: {
        "result": {"partly": Text("部分解决", "partly solved"), "not": Text("未解决", "not solved")}
    },
    Action.EXPLAIN_FILE: {
        "detail": {
            "policy_answered": Text("政策解答", "policy explained"),
            "into_project_list": Text("纳入项目库", "put on the list of projects"),
            "outside_powers": Text("超出职权", "outside our powers"),
            "other": _OTHER,
        },
        "opinion_by": {
            "department": Text("承办单位意见", "opinion of the unit"),
            "joint": Text("会办意见", "opinion of the joint meeting"),
        },
        "told": {
            "上报人（电话）": Text("上报人（电话）", "reporter, by telephone"),
            "上报人（当面）": Text("上报人（当面）", "reporter, in person"),
            "上报人（书面）": Text("上报人（书面）", "reporter, in writing"),
        },
        "not_told": {
            "匿名上报": Text("匿名上报", "anonymous report"),
            "多次联系不上": Text("多次联系不上", "could not be reached"),
            "不要求答复": Text("不要求答复", "wants no reply"),
        },
    },
}
