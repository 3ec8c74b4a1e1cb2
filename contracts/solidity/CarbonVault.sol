// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {CarbonCredit} from "./CarbonCredit.sol";
import {Guarded} from "./Guarded.sol";
import {Registry} from "./Registry.sol";

/// @title Sending tokens here retires them for good and gives a certificate that cannot be handed on.
contract CarbonVault is ERC721, IERC1155Receiver, Guarded {
    /// @notice One retirement.
    struct Retirement {
        address holder;
        uint64 retiredAt;
        uint256 id;
        uint256 amount;
        string beneficiary;
        string reason;
    }

    /// @notice The only token that is taken.
    CarbonCredit public immutable CREDITS;
    /// @notice Certificates given so far; the newest has this number.
    uint256 public certificates;
    /// @notice SHA-256 of a certificate's rendering; 0 until it is attached.
    mapping(uint256 number => bytes32) public rendering;
    mapping(uint256 number => Retirement) private _retirement;

    error VaultWrongToken(address token);
    error VaultZero();
    error VaultNotMinted();
    error VaultSoulBound(uint256 number);
    error VaultRendering(uint256 number);

    event CertificateIssued(
        uint256 indexed number, address indexed holder, uint256 indexed id, uint256 amount, string beneficiary,
        string reason
    );
    event RenderingAttached(uint256 indexed number, bytes32 sha256_);

    /// @param registry The registry of roles. @param credits The credits that are retired here.
    constructor(Registry registry, CarbonCredit credits)
        ERC721("Certificate of carbon offset", "OFFSET")
        Guarded(registry)
    {
        CREDITS = credits;
    }

    /// @notice Retire what arrives; `data` is (beneficiary, reason), ABI-encoded, or empty: for the sender itself.
    function onERC1155Received(address, address from, uint256 id, uint256 amount, bytes calldata data)
        external
        returns (bytes4)
    {
        _retire(from, id, amount, data);
        return this.onERC1155Received.selector;
    }

    /// @notice Retire a batch that arrives, a certificate each.
    function onERC1155BatchReceived(
        address, address from, uint256[] calldata ids, uint256[] calldata amounts, bytes calldata data
    ) external returns (bytes4) {
        for (uint256 i; i < ids.length; ++i) _retire(from, ids[i], amounts[i], data);
        return this.onERC1155BatchReceived.selector;
    }

    /// @notice Attach the SHA-256 of a certificate's rendering, once.
    function attach(uint256 number, bytes32 sha256_) external only(REGISTRY.OPERATOR()) {
        if (sha256_ == 0 || rendering[number] != 0 || number == 0 || number > certificates) {
            revert VaultRendering(number);
        }
        rendering[number] = sha256_;
        emit RenderingAttached(number, sha256_);
    }

    /// @notice What a certificate certifies.
    function retirement(uint256 number) external view returns (Retirement memory) {
        return _retirement[number];
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 i) public view override(ERC721, IERC165) returns (bool) {
        return i == type(IERC1155Receiver).interfaceId || super.supportsInterface(i);
    }

    /// @dev Record, certify, burn.
    function _retire(address from, uint256 id, uint256 amount, bytes calldata data) private {
        if (msg.sender != address(CREDITS)) revert VaultWrongToken(msg.sender);
        if (amount == 0) revert VaultZero();
        if (from == address(0)) revert VaultNotMinted();
        (string memory beneficiary, string memory reason) =
            data.length == 0 ? ("", "") : abi.decode(data, (string, string));
        uint256 number = ++certificates;
        _retirement[number] = Retirement(from, uint64(block.timestamp), id, amount, beneficiary, reason);
        emit CertificateIssued(number, from, id, amount, beneficiary, reason);
        _mint(from, number);
        CREDITS.retire(id, amount);
    }

    /// @dev Certificates are only ever given.
    function _update(address to, uint256 number, address auth) internal override returns (address) {
        if (_ownerOf(number) != address(0)) revert VaultSoulBound(number);
        return super._update(to, number, auth);
    }
}
