// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {CarbonCredit} from "../solidity/CarbonCredit.sol";
import {CarbonVault} from "../solidity/CarbonVault.sol";
import {Registry} from "../solidity/Registry.sol";
import {RupiahToken} from "../solidity/RupiahToken.sol";
import {Settlement} from "../solidity/Settlement.sol";

/// @dev The cheat codes of forge and halmos that are used here.
interface Vm {
    function assume(bool) external;
    function prank(address) external;
    function warp(uint256) external;
    function addr(uint256 key) external returns (address);
    function sign(uint256 key, bytes32 digest) external returns (uint8 v, bytes32 r, bytes32 s);
}

/// @title The contracts with a verified vintage and three traders, every role held by somebody else.
abstract contract Fixture {
    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant ID = 1;
    uint64 internal constant REFERENCE = 100_000;
    uint256 internal constant IDX_KEY = 0xA11CE;
    address internal constant ISSUER = address(0x1001);
    address internal constant VERIFIER = address(0x1002);
    address internal constant OPERATOR = address(0x1003);
    address internal constant PAUSER = address(0x1004);
    address internal constant REGULATOR = address(0x1005);
    address internal constant TREASURY = address(0x1006);
    uint256[3] internal traderKeys = [uint256(0xB0B), 0xCA11, 0xDAD];
    address[3] internal traders;

    Registry internal registry;
    RupiahToken internal rupiah;
    CarbonCredit internal credits;
    CarbonVault internal vault;
    Settlement internal settlement;

    function deploy() internal {
        for (uint256 i; i < 3; ++i) traders[i] = VM.addr(traderKeys[i]);
        registry = new Registry(address(this), 2 days, Registry.Limits(1_000, 100, 1_000, 50, 1 hours));
        rupiah = new RupiahToken(registry);
        credits = new CarbonCredit(registry);
        vault = new CarbonVault(registry, credits);
        settlement = new Settlement(registry, credits, rupiah, TREASURY);
        registry.grantRole(registry.ISSUER(), ISSUER);
        registry.grantRole(registry.VERIFIER(), VERIFIER);
        registry.grantRole(registry.OPERATOR(), OPERATOR);
        registry.grantRole(registry.PAUSER(), PAUSER);
        registry.grantRole(registry.REGULATOR(), REGULATOR);
        registry.grantRole(registry.IDXCARBON(), VM.addr(IDX_KEY));
        registry.grantRole(registry.VAULT(), address(vault));
        VM.prank(ISSUER);
        credits.register(ID, CarbonCredit.Project("forest-1", "forest", "Dongko", "SPE-GRK", bytes32(uint256(1))));
        VM.prank(VERIFIER);
        credits.setStatus(ID, CarbonCredit.Status.Verified);
        VM.prank(REGULATOR);
        settlement.setReference(ID, REFERENCE);
    }

    /// @dev The digest of EIP-712 that a domain's contract computes for a struct's hash.
    function typed(string memory name, address contract_, bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)), keccak256("1"), block.chainid, contract_
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }

    function permitDigest(CarbonCredit.Permit memory p) internal view returns (bytes32) {
        bytes32 kind = keccak256(
            "Permit(uint256 id,address to,uint256 amount,bytes32 lock,uint256 serialFirst,uint256 expiry)"
        );
        return typed(
            "CarbonCredit", address(credits),
            keccak256(abi.encode(kind, p.id, p.to, p.amount, p.lock, p.serialFirst, p.expiry))
        );
    }

    function orderDigest(Settlement.Order memory o) internal view returns (bytes32) {
        bytes32 kind = keccak256(
            "Order(address trader,uint256 id,bool sells,uint32 quantity,uint64 limitPrice,uint64 nonce,uint64 expiry)"
        );
        return typed(
            "Settlement", address(settlement),
            keccak256(abi.encode(kind, o.trader, o.id, o.sells, o.quantity, o.limitPrice, o.nonce, o.expiry))
        );
    }

    function signature(uint256 key, bytes32 digest) internal returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function mint(address to, uint256 amount, bytes32 lock) internal {
        CarbonCredit.Permit memory p = CarbonCredit.Permit(ID, to, amount, lock, 1, block.timestamp + 1 days);
        bytes memory signed = signature(IDX_KEY, permitDigest(p));
        VM.prank(ISSUER);
        credits.mint(p, signed);
    }
}
