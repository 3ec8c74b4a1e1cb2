// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Guarded} from "./Guarded.sol";
import {Registry} from "./Registry.sol";

/// @title Carbon credits: one id a project vintage, one token a tonne whose unit is locked in the national register.
contract CarbonCredit is ERC1155, EIP712, Guarded {
    /// @notice Where a vintage stands; it only ever moves to a later one.
    enum Status { None, Registered, Verified, Frozen, Cancelled }

    /// @notice Fixed when the vintage is registered; `documentSha256` also is the digest inside the IPFS CIDv1.
    struct Project {
        string project;
        string kind;
        string location;
        string standard;
        bytes32 documentSha256;
    }

    /// @notice IDXCarbon's permission: `lock` names the locked units, `serialFirst` the first of their serial numbers.
    struct Permit {
        uint256 id;
        address to;
        uint256 amount;
        bytes32 lock;
        uint256 serialFirst;
        uint256 expiry;
    }

    /// @notice Tonnes of a vintage, ever: minted = in circulation + re-minted + retired + cancelled.
    struct Totals {
        uint256 minted;
        uint256 reminted;
        uint256 retired;
        uint256 cancelled;
    }

    bytes32 private constant _PERMIT = keccak256(
        "Permit(uint256 id,address to,uint256 amount,bytes32 lock,uint256 serialFirst,uint256 expiry)"
    );
    mapping(uint256 id => Status) public status;
    mapping(uint256 id => Totals) public totals;
    mapping(bytes32 lock => bool) public lockUsed;
    mapping(uint256 id => Project) private _project;
    uint256 public remints;

    error CreditStatus(uint256 id, Status now_);
    error CreditPermitUsed(bytes32 lock);
    error CreditPermitExpired(uint256 expiry);
    error CreditPermitSigner(address signer);
    error CreditZero();

    event Registered(uint256 indexed id, Project project);
    event StatusSet(uint256 indexed id, Status status);
    event Minted(uint256 indexed id, address indexed to, uint256 amount, bytes32 indexed lock, uint256 serialFirst);
    event Remint(uint256 indexed request, uint256 indexed id, address indexed holder, uint256 amount);
    event Retired(uint256 indexed id, address indexed vault, uint256 amount);
    event Cancelled(uint256 indexed id, address indexed holder, uint256 amount);

    /// @param registry The registry of roles.
    constructor(Registry registry) ERC1155("") EIP712("CarbonCredit", "1") Guarded(registry) {}

    /// @notice Register a vintage with what will never change about it.
    function register(uint256 id, Project calldata project) external only(REGISTRY.ISSUER()) {
        if (status[id] != Status.None) revert CreditStatus(id, status[id]);
        status[id] = Status.Registered;
        _project[id] = project;
        emit Registered(id, project);
    }

    /// @notice Move a vintage forward: the verifier verifies, the regulator freezes or cancels.
    function setStatus(uint256 id, Status next) external {
        bytes32 role = next == Status.Verified ? REGISTRY.VERIFIER() : REGISTRY.REGULATOR();
        if (!REGISTRY.hasRole(role, msg.sender)) revert NotAllowed(role, msg.sender);
        Status now_ = status[id];
        if (now_ == Status.None || next <= now_) revert CreditStatus(id, now_);
        status[id] = next;
        emit StatusSet(id, next);
    }

    /// @notice Mint tokens for units locked in the register, under IDXCarbon's signed permit, once.
    function mint(Permit calldata p, bytes calldata signature) external running only(REGISTRY.ISSUER()) {
        if (p.amount == 0) revert CreditZero();
        if (block.timestamp > p.expiry) revert CreditPermitExpired(p.expiry);
        if (lockUsed[p.lock]) revert CreditPermitUsed(p.lock);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(_PERMIT, p.id, p.to, p.amount, p.lock, p.serialFirst, p.expiry))
        );
        address signer = ECDSA.recoverCalldata(digest, signature);
        if (!REGISTRY.hasRole(REGISTRY.IDXCARBON(), signer)) revert CreditPermitSigner(signer);
        lockUsed[p.lock] = true;
        totals[p.id].minted += p.amount;
        emit Minted(p.id, p.to, p.amount, p.lock, p.serialFirst);
        _mint(p.to, p.id, p.amount, "");
    }

    /// @notice Burn tokens so that IDXCarbon unlocks their units; it consumes each request once.
    function remint(uint256 id, uint256 amount) external running returns (uint256 request) {
        if (amount == 0) revert CreditZero();
        request = remints++;
        totals[id].reminted += amount;
        emit Remint(request, id, msg.sender, amount);
        _burn(msg.sender, id, amount);
    }

    /// @notice Burn what the vault holds, for good.
    function retire(uint256 id, uint256 amount) external only(REGISTRY.VAULT()) {
        totals[id].retired += amount;
        emit Retired(id, msg.sender, amount);
        _burn(msg.sender, id, amount);
    }

    /// @notice Void tokens of a cancelled vintage.
    function cancel(address holder, uint256 id, uint256 amount) external only(REGISTRY.REGULATOR()) {
        if (amount == 0) revert CreditZero();
        if (status[id] != Status.Cancelled) revert CreditStatus(id, status[id]);
        totals[id].cancelled += amount;
        emit Cancelled(id, holder, amount);
        _burn(holder, id, amount);
    }

    /// @notice What was fixed about a vintage when it was registered.
    function projectOf(uint256 id) external view returns (Project memory) {
        return _project[id];
    }

    /// @dev A frozen or cancelled vintage neither moves, nor is minted, re-minted or retired; voiding it is allowed.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory values) internal override {
        for (uint256 i; i < ids.length; ++i) {
            Status s = status[ids[i]];
            bool voided = s == Status.Cancelled && to == address(0) && msg.sig == this.cancel.selector;
            if (s != Status.Verified && !voided) revert CreditStatus(ids[i], s);
        }
        super._update(from, to, ids, values);
    }
}
